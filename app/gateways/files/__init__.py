"""Uploaded files: in a folder of this machine, or in a store that speaks S3 if `FILES_S3_URL` names one (ADR 36)."""

from __future__ import annotations

from flask import Flask

from app.config import Settings
from app.core.storage import EXTENSION, Files
from app.gateways.files.folder import FolderFiles


def init_app(app: Flask) -> None:
    app.extensions[EXTENSION] = store_of(app.extensions["fairlead.settings"])


def store_of(settings: Settings) -> Files:
    """The store the settings name."""
    if not settings.files_s3_url:
        return FolderFiles(settings.files_dir)
    # Only where it is used: the client is read when it is needed.
    from app.gateways.files.s3 import S3Files

    return S3Files(settings.files_s3_url, settings.files_s3_region, settings.files_dir / "copies")
