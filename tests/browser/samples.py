"""Workflows and runs for the browser tests: the run of the pictures, the WfCommons files, and large made-up graphs."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

WORDS = {
    "success": "Completed",
    "running": "Running",
    "retrying": "Retrying",
    "waiting": "Waiting",
    "failed": "Failed",
    "skipped": "Skipped",
    "cancelled": "Cancelled",
    "queued": "Queued",
}
# key, name, kind, icon, agent, state, extra
_TASKS: list[tuple[str, str, str, str, str, str, dict[str, Any]]] = [
    ("extract_emea", "Extract EMEA", "work", "i-bot", "CA", "success", {"figure": "1:04"}),
    ("extract_apac", "Extract APAC", "work", "i-bot", "CB", "running", {"usual": 66}),
    ("extract_amer", "Extract AMER", "work", "i-bot", "CC", "retrying", {"word": "Retrying 2/3"}),
    ("estimate", "Estimate cost", "condition", "i-split", "", "success", {"figure": "0:03"}),
    (
        "archive",
        "Archive raw files",
        "work",
        "i-file-text",
        "",
        "failed",
        {"word": "Failed 3/3", "figure": "0:52"},
    ),
    ("clean_emea", "Clean EMEA", "work", "i-bot", "CA", "success", {"figure": "0:22"}),
    ("clean_apac", "Clean APAC", "work", "i-bot", "CB", "queued", {"figure": "≈ 0:25"}),
    ("clean_amer", "Clean AMER", "work", "i-bot", "CC", "queued", {"figure": "≈ 0:31"}),
    ("approve", "Approve spend", "person", "i-hand", "", "waiting", {"figure": "Finance"}),
    ("auto_approve", "Auto-approve", "condition", "i-split", "", "skipped", {}),
    ("merge", "Merge regions", "work", "i-bot", "CA", "queued", {"figure": "≈ 1:10"}),
    ("reserve", "Reserve capacity", "work", "i-globe", "", "queued", {"figure": "≈ 0:04"}),
    ("publish", "Publish report", "work", "i-file-text", "", "queued", {"figure": "≈ 0:12"}),
    ("email", "Email finance", "work", "i-globe", "", "queued", {"figure": "≈ 0:02"}),
]
_EDGES: list[tuple[str, str, str]] = [
    ("extract_emea", "archive", ""),
    ("extract_emea", "clean_emea", ""),
    ("extract_apac", "clean_apac", ""),
    ("extract_amer", "clean_amer", ""),
    ("estimate", "approve", "over €5k"),
    ("estimate", "auto_approve", "else"),
    ("clean_emea", "merge", ""),
    ("clean_apac", "merge", ""),
    ("clean_amer", "merge", ""),
    ("approve", "reserve", ""),
    ("auto_approve", "reserve", ""),
    ("merge", "publish", ""),
    ("reserve", "publish", ""),
    ("reserve", "email", ""),
]


def regional_sales(now: datetime | None = None) -> dict[str, Any]:
    """The run of the pictures as `run-data`, as of `now`."""
    now = now or datetime.now(UTC)
    nodes = [_node(row, now) for row in _TASKS]
    edges = [_edge(*row) for row in _EDGES]
    counts = {state: sum(node["state"] == state for node in nodes) for state in WORDS}
    start = now - timedelta(hours=3, minutes=4, seconds=41)
    return {
        "run": 1482,
        "seq": 40,
        "status": "running",
        "live": True,
        "canvas": {
            "nodes": nodes,
            "edges": edges,
            "start": {"label": "Started on schedule", "glyph": "g-timer", "state": "success"},
        },
        "counts": counts,
        "facts": {
            "state": "running",
            "word": "Running",
            "settled": 5,
            "total": 14,
            "waiting": "Finance, agent CC",
            "since": start.isoformat(),
            "finished": None,
        },
        "timeline": _timeline(start, now),
        "socket": "/ws/runs/1482/",
        "poll": "/runs/1482/live",
        "panel": "/runs/1482/tasks/KEY/",
        "timelineUrl": "/runs/1482/timeline",
    }


def _node(row: tuple[str, str, str, str, str, str, dict[str, Any]], now: datetime) -> dict[str, Any]:
    key, name, kind, icon, agent, state, extra = row
    node = {
        "key": key,
        "name": name,
        "kind": kind,
        "icon": icon,
        "agent": agent,
        "state": state,
        "note": "Task",
    }
    node |= {"word": WORDS[state], **extra}
    if state == "running":
        node["since"] = (now - timedelta(seconds=41)).isoformat()
    if state == "retrying":
        node["until"] = (now + timedelta(seconds=7.9)).isoformat()
    return node


def _edge(origin: str, target: str, label: str) -> dict[str, Any]:
    edge = {"from": origin, "to": target}
    return edge | {"label": label, "kind": "condition"} if label else edge


def _timeline(start: datetime, now: datetime) -> dict[str, Any]:
    def bar(
        lane: str, key: str, label: str, state: str, since: datetime, begins: float, ends: float | None
    ) -> dict[str, Any]:
        end = None if ends is None else (since + timedelta(seconds=ends)).isoformat()
        begun = (since + timedelta(seconds=begins)).isoformat()
        return {
            "lane": lane,
            "key": key,
            "index": -1,
            "label": label,
            "state": state,
            "start": begun,
            "end": end,
        }

    back = start + timedelta(hours=3, minutes=2)
    return {
        "start": start.isoformat(),
        "end": None,
        "bars": [
            bar("CA", "extract_emea", "Extract EMEA", "success", start, 12, 76),
            bar("CA", "clean_emea", "Clean EMEA", "success", start, 78, 100),
            bar("CC", "extract_amer", "Extract AMER", "failed", back, 10, 65),
            bar("CC", "extract_amer", "Retry 1", "failed", back, 85, 154),
            bar("CB", "extract_apac", "Extract APAC", "running", back, 120, None),
            bar("System", "estimate", "Estimate cost", "success", start, 12, 15),
            bar("System", "archive", "Archive raw", "failed", start, 78, 130),
            bar("People", "approve", "Approve spend, waiting for Finance", "waiting", start, 15, None),
        ],
        "marks": [
            {"label": "cp-12", "at": (start + timedelta(seconds=76)).isoformat()},
            {"label": "cp-31", "at": (back + timedelta(seconds=2)).isoformat()},
        ],
    }


def run_context(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What pages/run.html is rendered with."""
    nodes = data["canvas"]["nodes"]
    legend = [{"state": state, "word": word, "count": data["counts"][state]} for state, word in WORDS.items()]
    until = next((node["until"] for node in nodes if node.get("until")), "")
    tasks = [
        {
            "key": node["key"],
            "name": node["name"],
            "state": node["state"],
            "glyph": "",
            "line": f"{node['word']}, {node['agent']}" if node["agent"] else node["word"],
            "figure": node.get("figure", ""),
        }
        for node in nodes
    ]
    context = {
        "data": data,
        "legend": legend,
        "filters": [
            entry | {"url": "#"} for entry in legend if entry["state"] in {"failed", "waiting", "retrying"}
        ],
        "pieces": [node["state"] for node in nodes],
        "tasks": tasks,
        "view": "auto",
        "selected": "",
        "until": until,
        "nav_items": NAV,
        "section": "runs",
        "search_url": "/search",
        "new_url": "/new",
        "health": {"score": 82, "state": "success", "url": "/health"},
    }
    return context | more


NAV = [
    {"key": "home", "label": "Home", "url": "/", "icon": "i-house"},
    {"key": "workflows", "label": "Workflows", "url": "/workflows/", "icon": "i-workflow"},
    {"key": "runs", "label": "Runs", "url": "/runs/", "icon": "i-history"},
    {"key": "approvals", "label": "Approvals", "url": "/approvals/", "icon": "i-hand", "count": 2},
    {"key": "agents", "label": "Agents", "url": "/agents/", "icon": "i-bot"},
    {"key": "settings", "label": "Settings", "url": "/settings/", "icon": "i-settings", "last": True},
]


def from_wfformat(data: dict[str, Any], seed: int = 1) -> dict[str, Any]:
    """The DAG of a WfCommons file as graph data, its tasks in states drawn at random."""
    chance = random.Random(seed)
    tasks = data["workflow"]["specification"]["tasks"]
    nodes = [
        {"key": task["id"], "name": task["name"], "kind": "work", "icon": "i-bot", "agent": "demo"}
        | {"state": chance.choice(list(WORDS)), "figure": "0:12"}
        for task in tasks
    ]
    edges = [{"from": parent, "to": task["id"]} for task in tasks for parent in task["parents"]]
    return {"nodes": nodes, "edges": edges}


def made_up(count: int, seed: int = 7) -> dict[str, Any]:
    """A layered DAG of `count` tasks with about one and a half edges for each."""
    chance = random.Random(seed)
    width = max(3, int(count**0.5 / 1.5))
    edges: set[tuple[int, int]] = set()
    for task in range(width, count):
        layer = task // width
        edges.add(((layer - 1) * width + chance.randrange(width), task))
        if chance.random() < 0.5:
            back = layer - 1 if chance.random() < 0.85 else max(0, layer - chance.randint(1, 4))
            edges.add((back * width + chance.randrange(width), task))
    states = list(WORDS)
    nodes = [
        {
            "key": f"t{i}",
            "name": f"Task {i}",
            "kind": "work",
            "icon": "i-bot",
            "state": states[i % len(states)],
        }
        for i in range(count)
    ]
    return {"nodes": nodes, "edges": [{"from": f"t{a}", "to": f"t{b}"} for a, b in sorted(edges)]}
