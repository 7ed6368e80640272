"""Templates in the style of public ones stand in ``foreign/``; the tests they hold are for the projects made from them."""

collect_ignore_glob = ["foreign/*"]
