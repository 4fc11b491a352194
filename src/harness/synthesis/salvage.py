"""A forgiving reader of JSON as language models write it, in one pass over the text.

Whole valid JSON is read by the standard library. Everything else goes through a reader that takes talk around objects,
code fences, trailing and missing commas, single quotes, bad escapes, raw newlines, unclosed lists and several objects
in a row, and gives every object it sees, the innermost first. It never invents a value: what is cut off is marked.
Time is linear in the length of the answer; depth is bounded.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import regex

DEPTH = 200
"""Deeper nesting is not followed; no answer of use has any."""

_FENCE = regex.compile(r"```[\w-]*")
_BARE = regex.compile(r"[^\s,:\[\]{}\"]+")
_AFTER_STRING = regex.compile(r"\s*(?:[,:\]}]|$)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/", "'": "'"}
_HEX = regex.compile(r"[0-9a-fA-F]{4}")


@dataclass
class Found:
    """An object of an answer.

    :param cut: the answer ended inside it.
    :param repaired: the forgiving reader was needed.
    """

    value: dict[str, Any]
    cut: bool = False
    repaired: bool = False


@dataclass
class _Open:
    """A container being read."""

    holder: dict[str, Any] | list[Any]
    key: str | None = None
    waiting: bool = False  # a key was read and its colon seen
    children: int = field(default=0)


def objects(answer: str) -> Iterator[Found]:
    """Yield every JSON object of an answer that holds no further objects, and those around them after."""
    text = _FENCE.sub(" ", answer).strip().lstrip("\ufeff")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        yield from _forgiving(text)
        return
    yield from (Found(value) for value in _walk(whole))


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects inside a value, depth first, without recursion."""
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack += reversed(list(current.values()))
        elif isinstance(current, list):
            stack += reversed(current)


def _forgiving(text: str) -> Iterator[Found]:
    stack: list[_Open] = []
    place = 0
    end = len(text)
    while place < end:
        char = text[place]
        if char in "{[":
            if stack or char == "{" or _opens_list(text, place):
                if len(stack) >= DEPTH:
                    return
                stack.append(_Open({} if char == "{" else []))
            place += 1
        elif not stack:
            place = _next_opening(text, place)
        elif char in "}]":
            yield from _close(stack, char)
            place += 1
        elif char == '"':
            value, place = _string(text, place)
            _put_string(stack[-1], value, text, place)
        elif char == ":":
            stack[-1].waiting = True
            place += 1
        elif char.isspace() or char == ",":
            place += 1
        else:
            match = _BARE.match(text, place)
            if match is None:
                place += 1
                continue
            word = match[0]
            place = match.end()
            _put_string(stack[-1], _bare(word), text, place)
    while stack:
        top = stack.pop()
        if isinstance(top.holder, dict) and top.holder:
            yield Found(top.holder, cut=True, repaired=True)
        if stack:
            _attach(stack[-1], top.holder)


def _opens_list(text: str, place: int) -> bool:
    """Tell whether a bracket in plain talk opens a list of objects, lists or strings, not ``[...]``."""
    following = text[place + 1 : place + 40].lstrip()
    return following[:1] in ("{", '"', "[")


def _next_opening(text: str, place: int) -> int:
    found = [spot for spot in (text.find("{", place), text.find("[", place)) if spot >= 0]
    return max(min(found), place) if found else len(text)


def _close(stack: list[_Open], char: str) -> Iterator[Found]:
    """Close the container a bracket belongs to; one that was left open inside it is closed with it."""
    kind: type = dict if char == "}" else list
    if not any(isinstance(one.holder, kind) for one in stack):
        return
    while True:
        top = stack.pop()
        if isinstance(top.holder, dict) and top.holder:
            yield Found(top.holder, repaired=True)
        if stack:
            _attach(stack[-1], top.holder)
        if isinstance(top.holder, kind):
            return


def _attach(parent: _Open, value: Any) -> None:
    if isinstance(parent.holder, list):
        parent.holder.append(value)
    elif parent.key is not None:
        parent.holder.setdefault(parent.key, value)
        parent.key, parent.waiting = None, False


def _put_string(top: _Open, value: Any, text: str, place: int) -> None:
    if isinstance(top.holder, list):
        top.holder.append(value)
    elif top.key is not None and top.waiting:
        top.holder.setdefault(top.key, value)
        top.key, top.waiting = None, False
    else:
        top.key, top.waiting = str(value), False


def _string(text: str, place: int) -> tuple[str, int]:
    """Read a string from its opening quote; a quote inside it that is followed by no separator is part of it."""
    made: list[str] = []
    place += 1
    end = len(text)
    while place < end:
        char = text[place]
        if char == "\\" and place + 1 < end:
            following = text[place + 1]
            if following == "u" and _HEX.match(text, place + 2):
                made.append(chr(int(text[place + 2 : place + 6], 16)))
                place += 6
            elif following in _ESCAPES:
                made.append(_ESCAPES[following])
                place += 2
            else:  # a bad escape: the backslash is dropped, the character kept
                place += 1
        elif char == '"':
            if _AFTER_STRING.match(text, place + 1):
                return _joined(made), place + 1
            if text[place + 1 : place + 2] == '"' or not _closes_later(text, place):
                return _joined(made), place + 1
            made.append(char)
            place += 1
        else:
            made.append(" " if char == "\n" else char)
            place += 1
    return _joined(made), place


def _closes_later(text: str, place: int) -> bool:
    """Tell whether the string goes on: its end comes before the next line break."""
    line_end = text.find("\n", place)
    stop = min(len(text) if line_end < 0 else line_end, place + 200)
    return regex.search(r'"\s*[,:\]}]', text[place + 1 : stop]) is not None


def _joined(parts: list[str]) -> str:
    """Return the string, surrogate pairs of ``\\ud83d\\ude00`` escapes as one character, lone ones as U+FFFD."""
    text = "".join(parts)
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _bare(word: str) -> Any:
    """Read what stands without quotes: a number, true, false, null, or a word."""
    cleaned = word.strip("'`")
    try:
        return int(cleaned)
    except ValueError:
        return {"true": True, "false": False, "null": None}.get(cleaned, cleaned)
