"""Every table of the portal, for migrations and for the test that compares both."""

from sqlmodel import SQLModel

import core.access.tables
import core.activity.tables
import core.catalog.tables
import core.datasets.tables
import core.evidence.tables
import core.gates.tables
import core.patterns.tables
import core.people.tables
import core.projects.tables
import core.reuse.tables
import core.reviews.tables
import core.templates.tables
import core.tracking.tables  # noqa: F401

METADATA = SQLModel.metadata
"""Complete, because the imports above register every table with it."""
