"""Project templates: questions in, a repository that runs out.

A template is a *snapshot* of files that somebody reviewed. Copier's, cookiecutter's and Backstage's templates and plain
repositories are read into one shape (``questions.py``), looked through (``lint.py``) and rendered by copier in a child
process behind walls (``rendering.py``, ``walls.py``, ``child.py``). What a template says is never run here: the portal's
own process parses the names of its files and its form, and everything else happens in the child.
"""
