"""P4: reruns of every page against a stock bare Streamlit page that shows the same elements, in turn.

The bare page is made from what ours draws: as many headings, texts, links, buttons, tables and containers, with nothing
behind them, served by ``streamlit run`` as shipped. Both are driven over the WebSocket, request to script finished. The
flat cost compares the portal with itself at 200 entries and 20 projects, and at 10,000 entries and 200 projects.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from core import db
from core.access import policy
from core.api import signin
from core.config import ROOT, settings
from core.people import actions as people
from tests.bench import measuring
from tests.bench.session import Session
from tests.conftest import free_port, wait_for

ROUNDS = 30
AS_SHIPPED = "import sys; sys.modules['uvloop'] = None; from streamlit.web.cli import main; main(prog_name='streamlit')"
"""``streamlit`` without the event loop that the portal adds, as it is where only Streamlit is installed."""
PAGES = {
    "home": "", "catalog": "q=model", "entry": "ref=asset:default/drift-statistics", "projects": "",
    "project": "id=project-0000", "patterns": "", "datasets": "", "demand": "", "harvest": "", "models": "",
    "activity": "", "propose": "", "admin": "",
}  # fmt: skip

BARE = {
    "block": "st.container()", "heading": "st.header('A heading')", "markdown": "st.markdown('Some words of *text*')",
    "button": "st.button('Press', key=f'b{n}')", "page_link": "st.link_button('Link', 'http://127.0.0.1')",
    "text_input": "st.text_input('Input', key=f't{n}')", "selectbox": "st.selectbox('Choose', ['a', 'b'], key=f's{n}')",
    "button_group": "st.pills('Choose', ['a', 'b', 'c'], key=f'p{n}')", "code": "st.code('import this')",
    "alert": "st.info('Information')", "metric": "st.metric('Number', 12)", "arrow_table": "st.table({'a': ['1', '2']})",
    "arrow_data_frame": "st.dataframe({'a': list(range(12)), 'b': list(range(12))})",
    "text_area": "st.text_area('Text', key=f'a{n}')", "multiselect": "st.multiselect('Many', ['a', 'b'], key=f'm{n}')",
    "expandable": "st.expander('More')", "link_button": "st.link_button('Link', 'http://127.0.0.1')",
    "download_button": "st.download_button('Save', 'x', key=f'd{n}')", "number_input": "st.number_input('n', key=f'n{n}')",
}  # fmt: skip


def bare_script(elements: Counter[str]) -> str:
    """A script that draws as many elements of each kind; kinds without a counterpart are drawn as text."""
    lines = ["import streamlit as st", "st.set_page_config(layout='wide')"]
    for kind, count in elements.items():
        lines += [f"for n in range({count}):", f"    {BARE.get(kind, BARE['markdown'])}"]
    return "\n".join(lines) + "\n"


def serve(command: list[str], port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a Streamlit server and wait until it is healthy."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(f"http://127.0.0.1:{port}/_stcore/health", process=process)
    return process


def portal(data: Path, entries: int, projects: int) -> tuple[subprocess.Popen[bytes], str, str]:
    """A portal with the shipped catalog, ``entries`` more and projects: its process, URL and a signed-in cookie."""
    from tests.bench.generate import build_entries, build_projects

    db.migrate()
    house = policy.system("bench")
    from core.catalog import loader

    with db.writing() as session:
        build_entries(session, entries)
    loader.load(policy.system("loader"))
    with db.writing() as session:
        build_projects(session, projects)
        person = people.add_person(session, actor=house, name="Bench")
        for role in ("administrator", "ML engineer", "reviewer", "data scientist"):
            people.grant_role(session, actor=house, person_id=person.id, role=role)
        key = people.sign_in_locally(session, person_id=person.id)
    cookie = f"{signin.COOKIE}={signin._signer('session').dumps(key)}"
    port = free_port()
    environment = os.environ | {
        "PORTAL_DATA": str(data),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "PORTAL_JOBS": "worker",
    }
    process = serve([sys.executable, "-m", "core", "serve", "--port", str(port)], port, environment)
    return process, f"http://127.0.0.1:{port}", cookie


def bare(script: str, folder: str) -> tuple[subprocess.Popen[bytes], str]:
    """A stock server of a bare script."""
    path = Path(folder) / "bare.py"
    path.write_text(script)
    port = free_port()
    command = [
        sys.executable, "-c", AS_SHIPPED, "run", str(path), "--server.port", str(port), "--server.headless", "true",
        "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
    return serve(command, port, dict(os.environ)), f"http://127.0.0.1:{port}"


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server."""
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def measure(page: str, query: str, url: str, cookie: str) -> dict[str, object]:
    """Our page and its bare twin in turn; medians in milliseconds and their ratio."""
    ours = Session(url, cookie=cookie)
    name = "" if page == "home" else page
    for _ in range(3):
        drawn = ours.run(page=name, query=query)
    with tempfile.TemporaryDirectory() as folder:
        process, bare_url = bare(bare_script(drawn.elements), folder)
        twin = Session(bare_url)
        twin.run()
        own, stock = [], []
        for _ in range(ROUNDS):
            own.append(ours.run(page=name, query=query).seconds * 1000)
            stock.append(twin.run().seconds * 1000)
        twin.close()
        stop(process)
    ours.close()
    return {
        "page": page, "elements": sum(drawn.elements.values()), "portal ms": measuring.median(own),
        "stock bare page ms": measuring.median(stock), "portal/stock": measuring.median(own) / measuring.median(stock),
    }  # fmt: skip


def main() -> int:
    """Measure and print."""
    rows: dict[str, dict[str, object]] = {}
    for size, entries, projects in (("S", 200, 20), ("M", 10_000, 200)):
        with measuring.own_data() as data:
            settings.cache_clear()
            process, url, cookie = portal(data, entries, projects)
            try:
                for page, query in PAGES.items():
                    found = measure(page, query, url, cookie)
                    if size == "S":
                        rows[page] = found
                    else:
                        rows[page]["M/S"] = float(found["portal ms"]) / float(rows[page]["portal ms"])  # type: ignore[arg-type]
            finally:
                stop(process)
                signin._signer.cache_clear()
    measuring.report("pages", list(rows.values()))
    print("Goals: portal/stock at most 0.7 (0.4 on small pages), M/S at most 1.3.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
