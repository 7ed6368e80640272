from setuptools import setup

setup(
    name="{{ cookiecutter.__import }}",
    version="{{ cookiecutter.version }}",
{%- if 'no' not in cookiecutter.command_line_interface|lower %}
    entry_points={"console_scripts": ["{{ cookiecutter.project_slug }}={{ cookiecutter.project_slug }}.cli:main"]},
{%- endif %}
)
