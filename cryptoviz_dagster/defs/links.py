"""Where an asset is seen outside Dagster: the live page, REST, its columns in the reference; in its description too."""

import dagster as dg

from cryptoviz.lake.tables import TABLES
from cryptoviz.settings import Settings

_TABS = {"lake": "pipeline", "market": "market", "quality": "quality", "forecast": "predictions"}
_GUIDES = {"serving": "docs/guides/sql.md"}
_REFERENCE = "docs/reference/tables.md"
_NAMES = {table.name for table in TABLES}


def with_links(location: dg.Definitions, settings: Settings) -> dg.Definitions:
    """The code location with links on every asset that is seen elsewhere."""
    page = f"http://127.0.0.1:{settings.ports.of('serving')}"
    return location.map_asset_specs(func=lambda spec: _with_links(spec, page))


def _with_links(spec: dg.AssetSpec, page: str) -> dg.AssetSpec:
    links = _links(spec, page)
    named = [f"[{name}]({link.value})" for name, link in links.items() if isinstance(link, dg.UrlMetadataValue)]
    described = "\n\n".join(filter(None, (spec.description, " · ".join(named))))
    return spec.replace_attributes(description=described).merge_attributes(metadata=links)


def _links(spec: dg.AssetSpec, page: str) -> dict[str, dg.MetadataValue]:
    group, name = spec.group_name or "", spec.key.path[-1]
    links: dict[str, dg.MetadataValue] = {}
    if group in _TABS:
        links["live page"] = dg.MetadataValue.url(f"{page}/#tab={_TABS[group]}")
    if name in _NAMES:
        links["rest interface"] = dg.MetadataValue.url(f"{page}/docs")
        links["reference"] = dg.MetadataValue.path(f"{_REFERENCE}#{name}")
    if group in _GUIDES:
        links["guide"] = dg.MetadataValue.path(_GUIDES[group])
    return links
