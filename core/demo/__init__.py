"""The demo organisation: invented people and projects, real training runs; removed as it was built, with one verb."""
