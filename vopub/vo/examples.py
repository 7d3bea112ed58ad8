"""The examples that the TAP service shows, gathered from the descriptors of all tables.

DaCHS reads them from ``etc/userconfig.rd``, not from the descriptors. They are copied there rather
than referred to, so that a descriptor that breaks cannot take the TAP service with it.
"""

from __future__ import annotations

import re

from vopub.files import write_text
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.vo.candidate import is_candidate
from vopub.vo.dachs import Dachs

MARK = "<!-- Made by vopub; changes here are overwritten. -->"
DESCRIPTOR_NAME = "q.rd"
TAP = "__system__/tap"

_ADDITION = """
  <LOOP>
    <codeItems>
      import os
      from gavo import base
      if os.path.exists(os.path.join(base.getConfig("inputsDir"), "vopub", "answers.rd")):
        base.caches.getRD("vopub/answers")
      yield from ()
    </codeItems>
    <events/>
  </LOOP>
"""
"""Whoever answers for TAP reads ``etc/userconfig.rd``, be it the server or the program that DaCHS
starts for an asynchronous query; so both know what the site has DaCHS say of columns."""
_STREAM = re.compile(r'<STREAM id="tapexamples">(.*?)</STREAM>', re.DOTALL)


def refresh_examples(server: DachsServer) -> bool:
    """Let the TAP service show the examples of the tables that are there now.

    An ``etc/userconfig.rd`` that a person wrote is left alone.

    Returns
    -------
    bool
        Whether they changed.
    """
    path = server.root / "etc" / "userconfig.rd"
    if path.exists() and MARK not in path.read_text(encoding="utf-8"):
        return False
    there = sorted(server.inputs.glob(f"*/{DESCRIPTOR_NAME}"))
    descriptors = [path for path in there if not is_candidate(path.parent.name)]
    texts = [descriptor.read_text(encoding="utf-8") for descriptor in descriptors]
    examples = "".join(found for text in texts for found in _STREAM.findall(text))
    changed = write_text(
        path,
        f'<resource schema="__system">\n  {MARK}{_ADDITION}'
        f'  <STREAM id="tapexamples">{examples}</STREAM>\n</resource>\n',
    )
    if changed:
        service_account().own(path)
        for rd_id in (str(path.with_suffix("")), TAP):
            Dachs(server).reload(rd_id)
    return changed
