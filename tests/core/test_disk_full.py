"""No room on the disk: said in words, nothing half kept, and it works again once there is room."""

from __future__ import annotations

import errno
from typing import Any

from app.gateways.files import folder
from tests.support.clients import PageClient
from tests.transfer.importing import send, upload


def test_claim_17_an_upload_onto_a_full_disk(owner: PageClient, settings: Any, monkeypatch: Any) -> None:
    def full(*args: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = [path for path in settings.files_dir.rglob("*") if path.is_file()]
    with monkeypatch.context() as patch:
        patch.setattr(folder, "copy", full)
        answer = send(owner, b"last name\nDoe\n")
    assert answer.status_code == 507
    assert "no room left" in answer.text.lower()
    assert [path for path in settings.files_dir.rglob("*") if path.is_file()] == kept
    assert upload(owner, "last name\nDoe\n").page().status_code == 200
