"""The composer: from a resource folder to a published, proved and registered data set."""
