"""Records in the words of others: DataCite, schema.org, DCAT and VOResource, there and back.

``fields.toml`` says which field goes where; the modules beside it do it.
"""

from vopub.odc.mappings.datacite import datacite_xml
from vopub.odc.mappings.dcat import dcat
from vopub.odc.mappings.schema_org import schema_org
from vopub.odc.mappings.voresource import voresource_xml

__all__ = ["datacite_xml", "dcat", "schema_org", "voresource_xml"]
