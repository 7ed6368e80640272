from {{ cookiecutter.project_slug }} import *  # noqa
