"""Pictures of every page, at both widths and in both themes, for a look by a person; one of them is the README's."""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Page

from core.config import ROOT
from tests.browser import running

PAGES = {
    "home": "/",
    "catalog": "/catalog?q=champion",
    "entry": "/entry?ref=asset:default/champion-challenger-comparison",
    "pattern": "/entry?ref=pattern:default/automated-retraining",
    "relations": "/entry?ref=asset:default/drift-statistics&tab=Relations",
    "propose": "/propose",
    "propose-form": "/propose?kind=asset",
    "models": "/models",
    "projects": "/projects",
    "projects-timeline": "/projects?view=timeline",
    "projects-serving": "/projects?view=serving",
    "projects-value": "/projects?view=value",
    "project": "/project?id=cheque-reader",
    "project-risk": "/project?id=cheque-reader&tab=Risk",
    "project-reuse": "/project?id=meter-reading&tab=Reuse",
    "project-pattern": "/project?id=cheque-reader&tab=Pattern",
    "project-data": "/project?id=cheque-reader&tab=Data",
    "project-adoptions": "/project?id=cheque-reader&tab=Adoptions",
    "project-retrospective": "/project?id=bloom-grading&tab=Retrospective",
    "project-history": "/project?id=cheque-reader&tab=History",
    "project-new": "/project?new=1",
    "project-repository": "/project?id=cheque-reader&tab=Repository",
    "templates": "/templates",
    "templates-drift": "/templates?view=drift&all=yes",
    "templates-publish": "/templates?view=publish",
    "template-version": "/templates?version=1&version_tab=Questions",
    "request-new": "/request?template=1&project=cheque-reader",
    "request": "/request?id=1",
    "patterns": "/patterns",
    "patterns-advice": "/patterns?view=advice&classification=regulated&latency=milliseconds",
    "patterns-compare": "/patterns?view=compare&compare=pattern:default/online-scoring,pattern:default/batch-scoring",
    "datasets": "/datasets",
    "dataset": "/datasets?ref=dataset:default/digits",
    "dataset-access": "/datasets?ref=dataset:default/digits&tab=Access",
    "dataset-lineage": "/datasets?ref=dataset:default/digits&tab=Lineage",
    "dataset-request": "/datasets?request=1",
    "datasets-audit": "/datasets?view=audit",
    "reviews": "/reviews?cases=all",
    "reviews-waivers": "/reviews?view=waivers",
    "reviews-mine": "/reviews?view=insights",
    "reviews-checklists": "/reviews?view=checklists",
    "review": "/review?id=1",
    "review-evidence": "/review?id=1&tab=Evidence",
    "review-signatures": "/review?id=1&tab=Signatures",
    "demand": "/demand",
    "harvest": "/harvest",
    "activity": "/activity",
    "admin": "/admin",
}
WIDTHS = {"wide": (1280, 900), "narrow": (400, 860)}
FOLDER = ROOT / "tests" / "browser" / "screenshots"


def main() -> None:
    """Take the pictures of a running portal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8501", help="where the portal runs")
    parser.add_argument("--person", default="", help="name of the person to continue as; the first one otherwise")
    parser.add_argument("--pages", nargs="*", choices=PAGES, default=list(PAGES))
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with running.browser() as browser:
        for theme in options.themes:
            for width, (x, y) in WIDTHS.items():
                context = browser.new_context(viewport={"width": x, "height": y}, color_scheme=theme)
                page = context.new_page()
                _enter(page, options.url, options.person)
                for name in options.pages:
                    page.goto(options.url + PAGES[name])
                    running.settle(page)
                    page.wait_for_timeout(600)  # diagrams and charts draw themselves after the script has run
                    page.screenshot(path=options.folder / f"{name}-{width}-{theme}.png", full_page=False)
                context.close()


def _enter(page: Page, url: str, person: str) -> None:
    if person:
        running.sign_in(page, url, person)
        return
    page.goto(f"{url}/auth/sign-in")
    page.get_by_role("button", name="Continue as").first.click()
    running.settle(page)


if __name__ == "__main__":
    main()
