"""The style sheet of a card: light by default, dark where the page around it is dark."""

from __future__ import annotations

from .theme import DARK, LIGHT, SIGNS, Theme

# A picture is drawn once, on white. In the dark it is inverted and its hues are turned back: white becomes
# #121212, the dark card's own paper, and the light theme's blue a lighter blue. A second set of pictures
# would double the size of a notebook, and both would show where style sheets are removed.
_TURNED = "invert(.93) hue-rotate(180deg)"

_PAGE = """
.pfnb{width:fit-content;min-width:min(100%,760px);max-width:100%;box-sizing:border-box;
padding:14px 18px 12px;border:1px solid var(--pf-rule);
border-radius:8px;background:var(--pf-paper);color:var(--pf-ink);font:13.5px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;text-align:left;overflow-wrap:anywhere}
.pfnb.pfnb *{box-sizing:border-box}
.pfnb .pfnb-head,.pfnb .pfnb-math,.pfnb .pfnb-verdict,.pfnb .pfnb-details{max-width:722px}
.pfnb .pfnb-head{margin:0 0 8px}
.pfnb .pfnb-title{font-size:15px;margin-right:10px}
.pfnb.pfnb code.pfnb-formula{font:12.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",
monospace;background:none;border:0;padding:0;color:var(--pf-muted);white-space:pre-wrap}
.pfnb .pfnb-math{font:15px/1.6 "STIX Two Text","Latin Modern Roman",Cambria,"Times New Roman",Times,serif;
padding-left:2px}
.pfnb .pfnb-math div{padding-left:2em;text-indent:-2em}
.pfnb .pfnb-math sub{font-size:.72em;line-height:0;vertical-align:-.3em}
.pfnb .pfnb-verdict{border-left:3px solid var(--pf-sign);padding:2px 0 2px 10px}
.pfnb .pfnb-sign{color:var(--pf-sign);margin-right:3px}
.pfnb .pfnb-notes,.pfnb .pfnb-more{color:var(--pf-muted);font-size:12.5px}
.pfnb .pfnb-pictures{margin:6px 0}
.pfnb .pfnb-groups{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(280px,100%),1fr));
gap:4px 10px;align-items:start;margin:6px 0}
.pfnb.pfnb img{display:block;max-width:100%;height:auto;margin:0;background:#fff}
.pfnb .pfnb-scroll{overflow-x:auto;margin:6px 0 10px}
.pfnb.pfnb table{border-collapse:collapse;border:0;margin:0;width:auto;table-layout:auto;font-size:13px;
line-height:1.4;color:inherit;background:none}
.pfnb.pfnb tr,.pfnb.pfnb tbody tr:hover,.pfnb.pfnb tbody tr:nth-child(n){background:none}
.pfnb.pfnb th,.pfnb.pfnb td{border:0;padding:2px 0 2px 18px;vertical-align:baseline;
font-variant-numeric:tabular-nums;max-width:none;white-space:nowrap;background:none;color:inherit}
.pfnb.pfnb th:first-child{padding-left:0;white-space:normal;overflow-wrap:break-word;
min-width:11em;max-width:19em}
.pfnb.pfnb th[scope=row]{font-weight:400}
.pfnb.pfnb thead th{font-weight:600;color:var(--pf-muted);border-bottom:1px solid var(--pf-rule);
padding-bottom:4px;vertical-align:bottom}
.pfnb.pfnb .pfnb-section th{font-weight:600;font-size:11.5px;color:var(--pf-muted);padding-top:8px;
letter-spacing:.02em}
.pfnb.pfnb .pfnb-table tbody tr:not(.pfnb-section):hover{background:var(--pf-hover)}
.pfnb.pfnb details.pfnb-details{margin:4px 0 0;font-size:13px}
.pfnb.pfnb summary{cursor:pointer;color:var(--pf-muted)}
.pfnb.pfnb .pfnb-pairs{margin:4px 0 6px 14px}
.pfnb.pfnb .pfnb-pairs th{color:var(--pf-muted);vertical-align:top}
.pfnb.pfnb .pfnb-pairs td{white-space:normal}
.pfnb.pfnb.pfnb-sheet th:first-child{min-width:5.5em;position:sticky;left:0;background:var(--pf-paper)}
.pfnb.pfnb.pfnb-sheet th,.pfnb.pfnb.pfnb-sheet td{padding-left:14px}
.pfnb.pfnb.pfnb-sheet th:first-child{padding-left:0;padding-right:4px}
.pfnb.pfnb.pfnb-sheet td:nth-child(2){white-space:normal;min-width:9em}
.pfnb.pfnb-sheet .pfnb-scroll{margin:0}
.pfnb-sheet .pfnb-notes{margin-top:8px}
@media (max-width:760px){.pfnb.pfnb th,.pfnb.pfnb td{padding-left:11px}.pfnb.pfnb th:first-child{min-width:8em}}
@media print{.pfnb{border:0;padding:0;max-width:none}}
"""

# An output of JupyterLab or Notebook that is a widget's, and whether anything lives in it: without its kernel it holds
# words only ("Loading widget...", "Error displaying widget"). Nothing is touched but the one right beside our own.
_OUTPUT = ".jp-OutputArea-child"
_WIDGET = f"{_OUTPUT}:has(>.jp-OutputArea-output.lm-Panel)"
_ALIVE = ":has(>.jp-OutputArea-output>*)"
# A dead widget right above something of ours goes; what stands in for a widget goes while that is alive above it.
WIDGETS = (
    f"{_WIDGET}:not({_ALIVE}):has(+{_OUTPUT} :is(.pfnb,.pfnb-line)){{display:none}}"
    f"{_WIDGET}{_ALIVE}+{_OUTPUT}:has(.pfnb-fallback){{display:none}}"
)


def _colours(theme: Theme, dark: bool) -> str:
    hover = "#ffffff12" if dark else "#0000000a"
    scheme = "dark" if dark else "light"
    return (
        f"--pf-paper:{theme.background};--pf-ink:{theme.ink};--pf-muted:{theme.muted};--pf-rule:{theme.rule};"
        f"--pf-hover:{hover};color-scheme:{scheme}"
    )


def _rules(within: str, dark: bool) -> str:
    """Return the colour rules for cards inside the elements that `within` selects ("" for all)."""
    rules = [f"{within}.pfnb{{{_colours(DARK if dark else LIGHT, dark)}}}"]
    for level, mark in SIGNS.items():
        rules.append(f"{within}.pfnb-{level}{{--pf-sign:{mark.dark if dark else mark.light}}}")
    if dark:
        rules.append(f"{within}.pfnb.pfnb img{{filter:{_TURNED}}}")
    return "".join(rules)


# JupyterLab and its exports, VS Code, Colab; elsewhere the computer's own setting.
_DARK = (
    'body[data-jp-theme-light="false"] ',
    "body.vscode-dark ",
    "body.vscode-high-contrast:not(.vscode-high-contrast-light) ",
    "html[theme=dark] ",
)
_ELSEWHERE = "html:not([theme]) body:not([data-jp-theme-light]):not([class*=vscode-]) "


def _style() -> str:
    page = _PAGE.replace("\n", "")
    system = "@media (prefers-color-scheme:dark){" + _rules(_ELSEWHERE, True) + "}"
    # Paper is white, whatever the screen is.
    turned = system + "".join(_rules(d, True) for d in _DARK)
    return page + WIDGETS + _rules("", False) + "@media screen{" + turned + "}"


def _alone() -> str:
    """Return the rules of a picture outside of a card, which is turned in the dark as those of cards are."""
    turned = f"img.pfnb-figure{{filter:{_TURNED}}}"
    system = "@media (prefers-color-scheme:dark){" + _ELSEWHERE + turned + "}"
    return "@media screen{" + system + "".join(d + turned for d in _DARK) + "}"


STYLE = _style()
PICTURE = _alone()
