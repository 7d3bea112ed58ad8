"""Figures as SVG: the sky, histograms, how something was made. They know of no file.

``publish`` puts them beside its products, and the Open Data Center draws what a record lacks.
"""
