"""The pages of imports and exports, added to the blueprint of any record kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

from flask import Blueprint, Response, current_app, request, url_for

from app.config import Settings
from app.core import hx, people
from app.core.access import accepts_uploads, requires, writes_on_get
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.records import listing
from app.core.records.fields import ParseContext
from app.core.records.kind import RecordKind
from app.core.scope import Scope
from app.core.transfer import actions, exporting, forms, pages, queries
from app.core.transfer.mapping import Choices
from app.core.transfer.reading import UnreadableFile


def add_transfer_routes(blueprint: Blueprint, kind: RecordKind) -> None:
    """Under the kind's own address: ``/imports…`` and ``/export.csv``."""
    for add in (_add_uploading, _add_mapping, _add_running, _add_files, _add_export):
        add(blueprint, kind)


def _add_uploading(blueprint: Blueprint, kind: RecordKind) -> None:
    def upload_page(errors: dict[str, str], *, status: int = 200) -> Response:
        # After a refusal the same form may be sent again with another file, so it gets a new token.
        return hx.page(
            "transfer/new.html",
            blocks=("upload_form",),
            status=status,
            kind=kind,
            errors=errors,
            token=uuid4(),
            max_megabytes=_limit() // 2**20,
        )

    @blueprint.get("/imports")
    @requires(kind.permission("import"))
    def list_imports() -> Response:
        return hx.page("transfer/list.html", kind=kind, items=pages.list_page(current_scope(), kind))

    @blueprint.get("/imports/new")
    @requires(kind.permission("import"))
    def new_import() -> Response:
        return upload_page({})

    @blueprint.post("/imports")
    @accepts_uploads
    @requires(kind.permission("import"))
    def upload_import() -> Response:
        scope = current_scope()
        try:
            form = forms.read_upload(request.form, request.files.get("file"))
            import_id = actions.upload(scope, kind, form.stream, form.filename, form.token, _limit())
        except Invalid as refused:
            return upload_page(refused.errors, status=422)
        except UnreadableFile as unreadable:
            return upload_page({"file": unreadable.message}, status=422)
        return hx.redirect(url_for(".show_import", import_id=import_id))


def _add_mapping(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/imports/<uuid:import_id>")
    @requires(kind.permission("import"))
    def show_import(import_id: UUID) -> Response:
        return _import_page(kind, import_id, mapping=request.args.get("mapping") == "1")

    @blueprint.post("/imports/<uuid:import_id>/mapping")
    @requires(kind.permission("import"))
    def map_import(import_id: UUID) -> Response:
        scope = current_scope()
        row = queries.get_import(scope, kind, import_id)
        choices, errors = forms.read_choices(request.form, kind, len(row.headers), _context(scope))
        if not errors:
            try:
                actions.check(scope, kind, import_id, choices)
            except Invalid as refused:
                errors = refused.errors
        if errors:
            return _import_page(kind, import_id, mapping=True, choices=choices, errors=errors, status=422)
        return hx.redirect(url_for(".show_import", import_id=import_id))

    @blueprint.post("/imports/<uuid:import_id>/reading")
    @requires(kind.permission("import"))
    def reread_import(import_id: UUID) -> Response:
        scope = current_scope()
        row = queries.get_import(scope, kind, import_id)
        form = forms.read_reread(request.form, row.sheets)
        try:
            actions.reread(scope, kind, import_id, encoding=form.encoding, delimiter=form.delimiter, sheet=form.sheet)
        except UnreadableFile as unreadable:
            errors = {"reading": unreadable.message}
            return _import_page(kind, import_id, mapping=True, errors=errors, status=422)
        return hx.redirect(url_for(".show_import", import_id=import_id))


def _add_running(blueprint: Blueprint, kind: RecordKind) -> None:
    def back(import_id: UUID) -> Response:
        return hx.redirect(url_for(".show_import", import_id=import_id))

    @blueprint.post("/imports/<uuid:import_id>/start")
    @requires(kind.permission("import"))
    def start_import(import_id: UUID) -> Response:
        return _attempt(lambda: actions.start(current_scope(), kind, import_id), back(import_id))

    @blueprint.post("/imports/<uuid:import_id>/cancel")
    @requires(kind.permission("import"))
    def cancel_import(import_id: UUID) -> Response:
        return _attempt(lambda: actions.cancel(current_scope(), kind, import_id), back(import_id))

    @blueprint.post("/imports/<uuid:import_id>/undo")
    @requires(kind.permission("import"))
    def undo_import(import_id: UUID) -> Response:
        return _attempt(lambda: actions.undo(current_scope(), kind, import_id), back(import_id))


def _add_files(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/imports/<uuid:import_id>/refused.csv")
    @requires(kind.permission("import"))
    def download_refused(import_id: UUID) -> Response:
        scope = current_scope()
        row = queries.get_import(scope, kind, import_id)
        stream = exporting.refused_rows(scope, row, database_url=_settings().database_url)
        return _download(stream, f"{kind.plural}-refused-{import_id.hex[:8]}.csv")

    @blueprint.get("/imports/template.csv")
    @requires(kind.permission("import"))
    def download_template() -> Response:
        return _download(iter([exporting.template(kind)]), f"{kind.plural}-template.csv")


def _add_export(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/export.csv")
    @writes_on_get("the event log says who took which rows out of the house")
    @requires(kind.permission("export"))
    def export() -> Response:
        scope = current_scope()
        state = listing.read(kind, request.args.to_dict(flat=False), _context(scope))
        stream = exporting.export_records(
            scope,
            kind,
            state,
            everything=request.args.get("columns") == "all",
            database_url=_settings().database_url,
        )
        mark = request.args.get("bom") == "1"
        return _download(stream, exporting.filename(kind, state, scope), mark=mark)


def _import_page(
    kind: RecordKind,
    import_id: UUID,
    *,
    mapping: bool = False,
    choices: Choices | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    scope = current_scope()
    row = queries.get_import(scope, kind, import_id)
    page = pages.import_page(scope, kind, row, mapping=mapping, choices=choices, errors=errors)
    return hx.page("transfer/show.html", blocks=("import_state",), status=status, kind=kind, page=page)


def _attempt(action: Callable[[], object], answer: Response) -> Response:
    """Does it; what cannot be done now is said on the import's page, which shows where it stands."""
    try:
        action()
    except Conflict as refused:
        hx.flash(refused.message, "warning")
    return answer


def _download(stream: Iterator[bytes], name: str, *, mark: bool = False) -> Response:
    """An attachment; the browser is never to guess what is in it."""

    def body() -> Iterator[bytes]:
        if mark:
            yield exporting.MARK
        yield from stream

    response = Response(body(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Type"] = "text/csv; charset=utf-8; header=present"
    return response


def _context(scope: Scope) -> ParseContext:
    return ParseContext(scope, people.by_any_name(scope))


def _limit() -> int:
    """How many bytes an upload may have."""
    return _settings().max_upload


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
