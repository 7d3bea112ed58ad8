"""Further places that publications are deposited in: Dataverse and InvenioRDM (Zenodo)."""
