PORT = ${{ values.port }}
REPO = "${{ values.repo }}"
