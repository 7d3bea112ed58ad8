-- A store as the first version of vopub wrote it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE collections (
	identifier VARCHAR(64) NOT NULL, 
	record TEXT NOT NULL, 
	written DATETIME NOT NULL, 
	CONSTRAINT pk_collections PRIMARY KEY (identifier)
);
INSERT INTO "collections" VALUES('samples26_01','{"schema_version":"1.0","identifier":"samples26_01","title":"Samples of ORCA","description":"Event tables made from the public samples of one run.","resources":[],"streams":[]}','2026-11-23 03:46:52.072937');
CREATE TABLE published_files (
	kid VARCHAR(36) NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size INTEGER NOT NULL, 
	media_type TEXT NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_published_files PRIMARY KEY (kid, name), 
	CONSTRAINT fk_published_files_kid_resources FOREIGN KEY(kid) REFERENCES resources (kid) ON DELETE CASCADE, 
	CONSTRAINT fk_published_files_kid_uploads FOREIGN KEY(kid, name, sha256) REFERENCES uploads (kid, name, sha256)
);
INSERT INTO "published_files" VALUES('55f30dfd-8745-5f7f-bd91-307ac668abc4','evts21_01.csv','9f644e5f7d3f9af7010aabfeae2c212a90b3cd83a0b504e93db0bbe31e774e5c',19,'text/csv','data');
INSERT INTO "published_files" VALUES('4b4bbb16-65f0-55ac-9498-bb631a128926','evts21_01.csv','9f644e5f7d3f9af7010aabfeae2c212a90b3cd83a0b504e93db0bbe31e774e5c',19,'text/csv','data');
CREATE TABLE resources (
	kid VARCHAR(36) NOT NULL, 
	identifier VARCHAR(64) NOT NULL, 
	version_key VARCHAR(128) NOT NULL, 
	ktype VARCHAR(32) NOT NULL, 
	collection VARCHAR(64) NOT NULL, 
	stream VARCHAR(64) NOT NULL, 
	words TEXT NOT NULL, 
	record TEXT NOT NULL, 
	written DATETIME NOT NULL, 
	withdrawn DATETIME, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_resources PRIMARY KEY (kid)
);
INSERT INTO "resources" VALUES('55f30dfd-8745-5f7f-bd91-307ac668abc4','evts21_01','00000000000000000000000000000001.00000000000000000000000000000009.00000000000000000000000000000000','events','samples26_01','','evts21_01 événements of orca, version 1.9 written by the first version of vopub, to see that later ones read it. ra dec orca neutrino-astronomy','{"schema_version":"1.0","kid":"55f30dfd-8745-5f7f-bd91-307ac668abc4","identifier":"evts21_01","ktype":"events","simulated":true,"publication":{"title":"Événements of ORCA, version 1.9","description":"Written by the first version of vopub, to see that later ones read it.","version":"1.9","created":"2026-11-22","creators":[{"name":"vopub","orcid":null,"affiliation":""}],"publisher":"vopub","owner":"vopub","contact":{"name":"vopub","email":"publisher@samples.km3net.invalid"},"licence":"CC-BY-4.0","licence_url":"https://creativecommons.org/licenses/by/4.0/","subjects":["neutrino-astronomy"],"facility":"","instrument":"ORCA","reference_url":null,"doi":null,"source":"","related":[],"note":""},"data_taking":null,"parameters":[{"name":"ra","dtype":"float64","unit":"deg","ucd":"pos.eq.ra;meta.main","description":"Right ascension (ICRS) of the direction the reconstructed particle came from.","symbol":"\\alpha","range":[0.0,360.0],"null":"","principal":true,"truth":false},{"name":"dec","dtype":"float64","unit":"deg","ucd":"pos.eq.dec;meta.main","description":"Declination (ICRS) of the direction the reconstructed particle came from.","symbol":"\\delta","range":[-90.0,90.0],"null":"","principal":true,"truth":false}],"provenance":null,"account":null,"rows":2,"coverage":{"spatial":"3/1-5 17","temporal":{"start":"2021-02-24T04:00:00Z","stop":"2021-02-24T10:00:00Z"},"energy":null},"files":[{"name":"evts21_01.csv","media_type":"text/csv","size":19,"sha256":"9f644e5f7d3f9af7010aabfeae2c212a90b3cd83a0b504e93db0bbe31e774e5c","role":"data","description":""}],"services":[],"collection":"samples26_01","stream":"","replaces":null}','2026-11-23 03:46:51.831184',NULL,'');
INSERT INTO "resources" VALUES('4b4bbb16-65f0-55ac-9498-bb631a128926','evts21_01','00000000000000000000000000000001.00000000000000000000000000000010.00000000000000000000000000000000','events','samples26_01','','evts21_01 événements of orca, version 1.10 written by the first version of vopub, to see that later ones read it. ra dec orca neutrino-astronomy','{"schema_version":"1.0","kid":"4b4bbb16-65f0-55ac-9498-bb631a128926","identifier":"evts21_01","ktype":"events","simulated":true,"publication":{"title":"Événements of ORCA, version 1.10","description":"Written by the first version of vopub, to see that later ones read it.","version":"1.10","created":"2026-11-22","creators":[{"name":"vopub","orcid":null,"affiliation":""}],"publisher":"vopub","owner":"vopub","contact":{"name":"vopub","email":"publisher@samples.km3net.invalid"},"licence":"CC-BY-4.0","licence_url":"https://creativecommons.org/licenses/by/4.0/","subjects":["neutrino-astronomy"],"facility":"","instrument":"ORCA","reference_url":null,"doi":null,"source":"","related":[],"note":""},"data_taking":null,"parameters":[{"name":"ra","dtype":"float64","unit":"deg","ucd":"pos.eq.ra;meta.main","description":"Right ascension (ICRS) of the direction the reconstructed particle came from.","symbol":"\\alpha","range":[0.0,360.0],"null":"","principal":true,"truth":false},{"name":"dec","dtype":"float64","unit":"deg","ucd":"pos.eq.dec;meta.main","description":"Declination (ICRS) of the direction the reconstructed particle came from.","symbol":"\\delta","range":[-90.0,90.0],"null":"","principal":true,"truth":false}],"provenance":null,"account":null,"rows":2,"coverage":{"spatial":"3/1-5 17","temporal":{"start":"2021-02-24T04:00:00Z","stop":"2021-02-24T10:00:00Z"},"energy":null},"files":[{"name":"evts21_01.csv","media_type":"text/csv","size":19,"sha256":"9f644e5f7d3f9af7010aabfeae2c212a90b3cd83a0b504e93db0bbe31e774e5c","role":"data","description":""}],"services":[],"collection":"samples26_01","stream":"","replaces":null}','2026-11-23 03:46:51.948576',NULL,'');
INSERT INTO "resources" VALUES('02bc2c29-4417-5368-bd68-2dd1a3fbc5c8','evts21_02','00000000000000000000000000000001.00000000000000000000000000000000.00000000000000000000000000000000','events','','','evts21_02 événements of orca, version 1.0 written by the first version of vopub, to see that later ones read it. ra dec orca neutrino-astronomy','{"schema_version":"1.0","kid":"02bc2c29-4417-5368-bd68-2dd1a3fbc5c8","identifier":"evts21_02","ktype":"events","simulated":true,"publication":{"title":"Événements of ORCA, version 1.0","description":"Written by the first version of vopub, to see that later ones read it.","version":"1.0","created":"2026-11-22","creators":[{"name":"vopub","orcid":null,"affiliation":""}],"publisher":"vopub","owner":"vopub","contact":{"name":"vopub","email":"publisher@samples.km3net.invalid"},"licence":"CC-BY-4.0","licence_url":"https://creativecommons.org/licenses/by/4.0/","subjects":["neutrino-astronomy"],"facility":"","instrument":"ORCA","reference_url":null,"doi":null,"source":"","related":[],"note":""},"data_taking":null,"parameters":[{"name":"ra","dtype":"float64","unit":"deg","ucd":"pos.eq.ra;meta.main","description":"Right ascension (ICRS) of the direction the reconstructed particle came from.","symbol":"\\alpha","range":[0.0,360.0],"null":"","principal":true,"truth":false},{"name":"dec","dtype":"float64","unit":"deg","ucd":"pos.eq.dec;meta.main","description":"Declination (ICRS) of the direction the reconstructed particle came from.","symbol":"\\delta","range":[-90.0,90.0],"null":"","principal":true,"truth":false}],"provenance":null,"account":null,"rows":2,"coverage":{"spatial":"","temporal":null,"energy":null},"files":[],"services":[],"collection":"","stream":"","replaces":null}','2026-11-23 03:46:51.992143','2026-11-23 03:46:52.026334','wrong calibration');
INSERT INTO "resources" VALUES('e7e49e14-40cc-56ff-b000-da0f570c5a25','evts21_03','00000000000000000000000000000001.00000000000000000000000000000000.00000000000000000000000000000000','events','','events21_01','evts21_03 événements of orca, version 1.0 written by the first version of vopub, to see that later ones read it. ra dec orca neutrino-astronomy','{"schema_version":"1.0","kid":"e7e49e14-40cc-56ff-b000-da0f570c5a25","identifier":"evts21_03","ktype":"events","simulated":true,"publication":{"title":"Événements of ORCA, version 1.0","description":"Written by the first version of vopub, to see that later ones read it.","version":"1.0","created":"2026-11-22","creators":[{"name":"vopub","orcid":null,"affiliation":""}],"publisher":"vopub","owner":"vopub","contact":{"name":"vopub","email":"publisher@samples.km3net.invalid"},"licence":"CC-BY-4.0","licence_url":"https://creativecommons.org/licenses/by/4.0/","subjects":["neutrino-astronomy"],"facility":"","instrument":"ORCA","reference_url":null,"doi":null,"source":"","related":[],"note":""},"data_taking":null,"parameters":[{"name":"ra","dtype":"float64","unit":"deg","ucd":"pos.eq.ra;meta.main","description":"Right ascension (ICRS) of the direction the reconstructed particle came from.","symbol":"\\alpha","range":[0.0,360.0],"null":"","principal":true,"truth":false},{"name":"dec","dtype":"float64","unit":"deg","ucd":"pos.eq.dec;meta.main","description":"Declination (ICRS) of the direction the reconstructed particle came from.","symbol":"\\delta","range":[-90.0,90.0],"null":"","principal":true,"truth":false}],"provenance":null,"account":null,"rows":2,"coverage":{"spatial":"","temporal":null,"energy":null},"files":[],"services":[],"collection":"","stream":"events21_01","replaces":null}','2026-11-23 03:46:52.044714',NULL,'');
CREATE TABLE streams (
	identifier VARCHAR(64) NOT NULL, 
	record TEXT NOT NULL, 
	written DATETIME NOT NULL, 
	CONSTRAINT pk_streams PRIMARY KEY (identifier)
);
INSERT INTO "streams" VALUES('events21_01','{"schema_version":"1.0","identifier":"events21_01","title":"Events of ORCA","description":"Event tables that follow each other, made of samples.","ktype":"events","resources":["e7e49e14-40cc-56ff-b000-da0f570c5a25"],"collection":""}','2026-11-23 03:46:52.128412');
CREATE TABLE uploads (
	kid VARCHAR(36) NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size INTEGER NOT NULL, 
	written DATETIME NOT NULL, 
	CONSTRAINT pk_uploads PRIMARY KEY (kid, name, sha256)
);
INSERT INTO "uploads" VALUES('55f30dfd-8745-5f7f-bd91-307ac668abc4','evts21_01.csv','9f644e5f7d3f9af7010aabfeae2c212a90b3cd83a0b504e93db0bbe31e774e5c',19,'2026-11-23 03:46:51.730027');
INSERT INTO "uploads" VALUES('4b4bbb16-65f0-55ac-9498-bb631a128926','evts21_01.csv','9f644e5f7d3f9af7010aabfeae2c212a90b3cd83a0b504e93db0bbe31e774e5c',19,'2026-11-23 03:46:51.934464');
CREATE INDEX ix_resources_identifier ON resources (identifier);
CREATE INDEX ix_resources_ktype ON resources (ktype);
CREATE INDEX ix_resources_collection ON resources (collection);
CREATE INDEX ix_resources_stream ON resources (stream);
COMMIT;
