"""Datasets: who produces and reads them, who asked to, who may, and who could on any past day."""
