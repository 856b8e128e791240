"""What a person does in a browser, and what they read."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2


def sign_in(browser: httpx2.Client, start: str = "/start/maison") -> Mapping[str, Any]:
    answer = browser.get(start, follow_redirects=True)
    assert answer.status_code == httpx2.codes.OK, answer.text
    return dict(answer.json())


def refusal(browser: httpx2.Client, start: str = "/start/maison") -> str:
    answer = browser.get(start, follow_redirects=True)
    assert answer.status_code == httpx2.codes.UNPROCESSABLE_CONTENT, answer.text
    return str(answer.json()["error"])


def query(address: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
