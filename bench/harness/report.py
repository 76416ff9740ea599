"""The tables."""

from statistics import median

from .scenarios import Holding


def table(scenario, rows, limit, alone, remarks):
    """The Markdown table of a scenario.

    `rows` are (name, runs or reason), `limit` is the name of the limit, `alone` has the medians of the servers
    without the second load, `remarks` has remarks on the rows of some servers.
    """
    if isinstance(scenario, Holding):
        return _holding(rows)
    good, bad, notes = _split(rows, remarks)
    if scenario.beside:
        head, lines = _mixed(scenario, good, alone)
    else:
        head, lines = _plain(scenario, good, limit)
    return _markdown(head, lines, bad, notes)


def _medians(runs):
    """The medians of the runs without errors, or None if there is none."""
    clean = [run for run in runs if not flags(run)]
    if not clean:
        return None
    result = {
        "rate": median(run["main"]["rate"] for run in clean),
        "p99": median(run["main"]["p99"] for run in clean) / 1000,
        "user": median(run["user_us"] for run in clean),
        "system": median(run["system_us"] for run in clean),
        "cpu": median(run["user_us"] + run["system_us"] for run in clean),
    }
    rates = [run["main"]["rate"] for run in clean]
    result["spread"] = (max(rates) - min(rates)) / result["rate"]
    if clean[0]["beside"]:
        result["beside_rate"] = median(run["beside"]["rate"] for run in clean)
        result["beside_p99"] = median(run["beside"]["p99"] for run in clean) / 1000
    return result


def flags(run):
    """The errors of a run as text."""
    parts = []
    for which in ("main", "beside"):
        output = run[which]
        if output and output["errors"]:
            errors = ", ".join(f"{count} {name}" for name, count in output["errors"].items())
            parts.append(f"{errors} errors in {output['requests']:,} requests")
    return "; ".join(parts)


def medians_of(rows):
    return {name: _medians(runs) for name, runs in rows if isinstance(runs, list)}


def _split(rows, remarks):
    """(name, label, medians) of those with figures, (name, reason) of the others, and notes."""
    good, bad, notes = [], [], []
    for name, runs in rows:
        if not isinstance(runs, list):
            bad.append((name, runs))
            continue
        flagged = [text for text in map(flags, runs) if text]
        medians = _medians(runs)
        if medians is None:
            bad.append((name, f"failed: {flagged[0]}"))
            continue
        label = name
        if name in remarks:
            label += " †"
            notes.append(f"† {name}: {remarks[name]}")
        if flagged:
            label += " (!)"
            notes.append(f"(!) {name}: {len(flagged)} of {len(runs)} runs left out: {'; '.join(flagged)}")
        good.append((name, label, medians))
    return good, bad, notes


def _plain(scenario, good, limit):
    base = next((medians for name, _, medians in good if name == limit), None)
    head = ["server", "requests/s", "± %"]
    head += ["of limit"] if base else []
    head += ["of ideal"] if scenario.ideal else []
    head += ["p99 ms", "CPU us/request", "user", "system"]
    head += ["× limit"] if base else []
    lines = []
    for _, label, m in good:
        line = [label, f"{m['rate']:,.0f}", f"{m['spread'] * 50:.0f}"]
        line += [f"{m['rate'] / base['rate']:.2f}"] if base else []
        line += [f"{m['rate'] / scenario.ideal:.2f}"] if scenario.ideal else []
        # wrk counts the requests of one write as one, so its percentiles are meaningless.
        p99 = "-" if scenario.load.depth > 1 else _short(m["p99"])
        line += [p99, _short(m["cpu"]), _short(m["user"]), _short(m["system"])]
        line += [f"{m['cpu'] / base['cpu']:.2f}"] if base else []
        lines.append(line)
    return head, lines


def _mixed(scenario, good, alone):
    main, beside = scenario.load.path, scenario.beside.path
    head = ["server", f"`{main}` requests/s", "± %", "p99 ms"]
    head += ["× p99 alone"] if alone else []
    head += [f"`{beside}` requests/s", "p99 ms", "CPU us/request"]
    lines = []
    for name, label, m in good:
        line = [label, f"{m['rate']:,.0f}", f"{m['spread'] * 50:.0f}", _short(m["p99"])]
        if alone:
            single = alone.get(name)
            line.append(f"{m['p99'] / single['p99']:.1f}" if single else "-")
        line += [f"{m['beside_rate']:,.0f}", _short(m["beside_p99"]), _short(m["cpu"])]
        lines.append(line)
    return head, lines


def _holding(rows):
    head = [
        "server",
        "connections",
        "bytes each",
        "threads",
        "CPU idle %",
        "wake-ups/s",
        "fresh clients served",
        "their median us",
        "their p99 us",
        "notes",
    ]
    lines, bad = [], []
    for name, r in rows:
        if not isinstance(r, dict):
            bad.append((name, r))
            continue
        before, after = r["before"], r["after"]
        notes = [r["note"]] if r["note"] else []
        if r["closed"]:
            notes.append(f"{r['closed']} closed by the server before the measurement")
        if "closed_after" in r:
            closed = r["closed_after"]
            notes.append(f"all closed after {closed:.1f} s" if closed else "not all closed in time")
        lines.append(
            [
                name,
                f"{r['count']:,}",
                f"{r['memory_each']:,.0f}",
                f"{r['threads_before']} → {r['threads_after']}",
                f"{r['cpu_share'] * 100:.1f}",
                f"{r['wakeups']:.1f}",
                f"{before['served']} → {after['served']}",
                f"{_whole(before['p50'])} → {_whole(after['p50'])}",
                f"{_whole(before['p99'])} → {_whole(after['p99'])}",
                "; ".join(notes),
            ]
        )
    return _markdown(head, lines, bad, [])


# The columns of the summary: scenario, heading, figure.
SUMMARY = [
    ("keepalive-64", "`/`: requests/s", lambda m: f"{m['rate']:,.0f}"),
    ("keepalive-64", "p99 ms", lambda m: _short(m["p99"])),
    ("keepalive-64", "CPU us", lambda m: _short(m["cpu"])),
    ("pipelined", "pipelined: CPU us", lambda m: _short(m["cpu"])),
    ("close", "closing: CPU us", lambda m: _short(m["cpu"])),
    ("post", "POST: CPU us", lambda m: _short(m["cpu"])),
    ("big", "1 MiB: CPU us", lambda m: _short(m["cpu"])),
    ("blocking", "blocking: requests/s", lambda m: f"{m['rate']:,.0f}"),
    ("mixed", "`/` beside blocking", lambda m: f"{m['rate']:,.0f}"),
    ("mixed", "p99 ms", lambda m: _short(m["p99"])),
    ("nap-mixed", "`/` beside naps", lambda m: f"{m['rate']:,.0f}"),
    ("burn", "burn: requests/s", lambda m: f"{m['rate']:,.0f}"),
    ("idle", "idle: bytes each", lambda r: _each(r)),
]


def _each(result):
    """The memory of a connection, and the number of connections if the server accepted fewer."""
    taken = f" (of {result['count']:,})" if result["note"] else ""
    return f"{result['memory_each']:,.0f}{taken}"


def summary(scenarios):
    """One line for each server, with the main figures of the scenarios that were run."""
    columns = [column for column in SUMMARY if column[0] in scenarios]
    names = [name for rows in scenarios.values() for name in rows]
    figures = {}
    for scenario in {column[0] for column in columns}:
        for name, runs in scenarios[scenario].items():
            figures[scenario, name] = _medians(runs) if isinstance(runs, list) else runs
    lines = []
    for name in dict.fromkeys(names):
        found = [(show, figures.get((scenario, name))) for scenario, _, show in columns]
        lines.append([name, *(show(figure) if isinstance(figure, dict) else "-" for show, figure in found)])
    return _markdown(["server", *(heading for _, heading, _ in columns)], lines, [], [])


def _whole(seconds):
    return "-" if seconds is None else f"{seconds * 1e6:.0f}"


def _short(value):
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _markdown(head, lines, bad, notes):
    text = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    text += ["| " + " | ".join(line) + " |" for line in lines]
    text += [f"| {name} | {reason} |" + " |" * (len(head) - 2) for name, reason in bad]
    if notes:
        text += [""] + [f"- {note}" for note in notes]
    return "\n".join(text)
