"""Reading uploaded tables (CSV, XLSX, XLS, ODS) safely, as a stream, with flat memory.

``inspect`` finds out how a file is to be read; ``read_rows`` reads it that way, as often as needed.
"""

from app.core.transfer.reading.model import Inspection, Limits, Row, TableFormat, UnreadableFile
from app.core.transfer.reading.table import inspect, read_rows

__all__ = ["Inspection", "Limits", "Row", "TableFormat", "UnreadableFile", "inspect", "read_rows"]
