"""signatures.md is the catalogue, in words."""

from collections.abc import Iterator

from doc_pages import ROOT
from rewriting import hold_below_mark

from requorum.domain.signatures.catalogue import CATALOGUE
from requorum.domain.signatures.signature import MinorSeries, Signature, Wording, links_of

PAGE = ROOT / "docs" / "reference" / "signatures.md"


def test_the_page_is_the_catalogue() -> None:
    """Every entry is there as the code has it, and nothing else."""
    hold_below_mark(PAGE, "\n".join(_page()))


def _page() -> Iterator[str]:
    yield "| Signature | What etcd prints |\n|---|---|"
    for signature in CATALOGUE:
        yield f"| [{signature.id}](#{signature.id}) | `{_cell(signature.symptom)}` |"
    yield ""
    for signature in CATALOGUE:
        yield from _section(signature)


def _section(signature: Signature) -> Iterator[str]:
    yield f"## {signature.id}\n"
    yield f"`{signature.symptom}`\n"
    yield f"**Cause.** {signature.cause}\n"
    yield f"**What to do.** {signature.fix}\n"
    if signature.never is not None:
        yield f"**Never.** {signature.never}\n"
    yield "| Found by | Minors |\n|---|---|"
    for wording in signature.wordings:
        yield f"| `{_cell(wording.regex)}` | {_minors(wording)} |"
    yield ""
    links = dict(zip((s for s in signature.sources if "#" in s), links_of(signature), strict=True))
    shown = [f"[{s}]({links[s]})" if s in links else s for s in signature.sources]
    yield f"Source: {', '.join(shown)}.\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _minors(wording: Wording) -> str:
    since, until = _text(wording.since), _text(wording.until)
    if since and until:
        return since if since == until else f"{since} to {until}"
    return f"{since} and later" if since else f"up to {until}" if until else "all"


def _text(minor: MinorSeries | None) -> str:
    return "" if minor is None else f"{minor[0]}.{minor[1]}"
