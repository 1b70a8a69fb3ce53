"""Rows of lists are kept as drawn, by all that they show."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Flask

from app.core.records.presenting import Cell, Row

_ROW = Row(UUID(int=1), "<b>John</b>", 1, (Cell("status", "Status", "Open", "badge", tone="info"),))


def test_it_is_what_the_macro_makes_escaped(app: Flask) -> None:
    ui = app.jinja_env.globals["ui"]
    with app.test_request_context():
        drawn = ui.drawn("record_row", _ROW, "/t/acme/leads/", "?queue=all")
        assert drawn == ui.record_row(_ROW, "/t/acme/leads/", "?queue=all")
    assert "&lt;b&gt;John" in drawn
    assert "<b>" not in drawn


def test_whatever_differs_is_drawn_anew(app: Flask) -> None:
    ui = app.jinja_env.globals["ui"]
    other = replace(_ROW, cells=(replace(_ROW.cells[0], text="Closed"),))
    asked = [(_ROW, "/t/acme/leads/", ""), (other, "/t/acme/leads/", ""), (_ROW, "/t/globex/leads/", "")]
    with app.test_request_context():
        drawn = [ui.drawn("record_row", *one) for one in asked]
    assert len(set(drawn)) == 3
    assert "Closed" in drawn[1]
    assert "/t/globex/leads/" in drawn[2]
