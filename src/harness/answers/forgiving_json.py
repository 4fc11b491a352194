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
_OPENING = regex.compile(r"[{\[]")
_BEFORE_STRING = "{[,:"
_AFTER_STRING = regex.compile(r"\s*(?:[,:\]}]|$)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/", "'": "'"}
_HEX = regex.compile(r"[0-9a-fA-F]{4}")


@dataclass
class Found:
    """An object of an answer.

    :param cut: the answer ended inside it.
    :param unfinished: keys whose list or string the answer ended in.
    :param stray: words stood in it that are neither key nor value: a quote inside a text, most likely.
    """

    value: dict[str, Any]
    cut: bool = False
    unfinished: frozenset[str] = frozenset()
    stray: bool = False


@dataclass
class _Open:
    """A container being read."""

    holder: dict[str, Any] | list[Any]
    key: str | None = None
    waiting: bool = False  # a key was read and its colon seen
    stray: bool = False  # a key without a value was seen
    unfinished: set[str] = field(default_factory=set)
    before: list[dict[str, Any]] = field(default_factory=list)  # objects run together by a missing brace


def objects(answer: str) -> Iterator[Found]:
    """Yield every JSON object of an answer, and every list of strings that is no value of one as ``{"list": …}``.

    An object in which a key comes back is several whose braces are missing.
    """
    text = _FENCE.sub(" ", answer).strip().lstrip("\ufeff")
    try:
        whole = json.loads(text, object_pairs_hook=_split_repeats)
        if "\\ud" in text.lower():
            whole = _cleaned(whole)
    except (ValueError, RecursionError):
        yield from _forgiving(text)
        return
    yield from (Found(value) for value in _walk(whole))


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects inside a value, depth first, without recursion."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        yield {"list": value}
        return
    if isinstance(value, list) and value and all(_is_token(token) for token in value):
        yield {"list": value}
        return
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack += reversed(list(current.values()))
        elif isinstance(current, list):
            stack += reversed(current)


def _is_token(value: Any) -> bool:
    return isinstance(value, dict) and "token" in value and len(value) <= 3


def _split_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; where a key comes back, several objects."""
    objects: list[dict[str, Any]] = [{}]
    for key, value in pairs:
        if key in objects[-1]:
            objects.append({})
        objects[-1][key] = value
    return objects[0] if len(objects) == 1 else {"list": objects}


def _cleaned(value: Any) -> Any:
    """Mend lone surrogates, which no file could hold."""
    if isinstance(value, str):
        return _joined([value])
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if isinstance(value, dict):
        return {_joined([key]): _cleaned(inner) for key, inner in value.items()}
    return value


def _forgiving(text: str) -> Iterator[Found]:
    """Give the objects and lists of a text, whatever is between or missing; one pass, linear in its length."""
    stack: list[_Open] = []
    depths: dict[type, int] = {dict: 0, list: 0}
    place = 0
    end = len(text)
    last = "{"  # the last character that was no blank, outside strings
    while place < end:
        char = text[place]
        if char in "{[":
            if len(stack) >= DEPTH:  # rubbish; what follows is read afresh
                stack.clear()
                depths = {dict: 0, list: 0}
            if stack or char == "{" or _opens_list(text, place):
                stack.append(_Open({} if char == "{" else []))
                depths[type(stack[-1].holder)] += 1
            place += 1
            last = char
        elif not stack:
            opening = _OPENING.search(text, place)
            place = opening.start() if opening else end
        elif char in "}]":
            yield from _close(stack, depths, char)
            place += 1
            last = char
        elif char == '"' or (char == "'" and last in _BEFORE_STRING):
            value, place = _string(text, place, char, in_list=isinstance(stack[-1].holder, list))
            _put(stack[-1], value)
            last = char
        elif char == ":":
            stack[-1].waiting = True
            place += 1
            last = char
        elif char.isspace() or char == ",":
            place += 1
            last = char if char == "," else last
        else:
            match = _BARE.match(text, place)
            if match is None:
                place += 1
                continue
            word = match[0]
            place = match.end()
            if place < end and text[place] == '"' and _AFTER_STRING.match(text, place + 1):
                place += 1  # the opening quote was swallowed
            _put(stack[-1], _bare(word))
            last = "a"
    yield from _unfinished(stack)


def _unfinished(stack: list[_Open]) -> Iterator[Found]:
    """Give what was still open when the text ended, the innermost first."""
    while stack:
        top = stack.pop()
        yield from (Found(value) for value in top.before)
        if isinstance(top.holder, dict) and top.holder:
            yield Found(top.holder, cut=True, unfinished=frozenset(top.unfinished), stray=_is_stray(top))
        elif not stack and _strings(top.holder):
            yield Found({"list": top.holder}, cut=True)
        if stack:
            if stack[-1].key is not None:
                stack[-1].unfinished.add(stack[-1].key)
            _put(stack[-1], top.holder)


def _opens_list(text: str, place: int) -> bool:
    """Return True if a bracket in plain talk opens a list of objects, lists or strings, not ``[...]``."""
    following = text[place + 1 : place + 40].lstrip()
    return following[:1] in ("{", '"', "[")


def _strings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)


def _close(stack: list[_Open], depths: dict[type, int], char: str) -> Iterator[Found]:
    """Close the container a bracket belongs to; one that was left open inside it is closed with it."""
    kind: type = dict if char == "}" else list
    if not depths[kind]:
        return
    while True:
        top = stack.pop()
        depths[type(top.holder)] -= 1
        yield from (Found(earlier) for earlier in top.before)
        if isinstance(top.holder, dict) and top.holder:
            yield Found(top.holder, stray=_is_stray(top))
        elif not stack and _strings(top.holder):
            yield Found({"list": top.holder})
        if stack:
            _put(stack[-1], top.holder)
        if isinstance(top.holder, kind):
            return


def _put(top: _Open, value: Any) -> None:
    """Put a value where it belongs: into a list, under the key that waits for it, or as the next key."""
    if isinstance(top.holder, list):
        top.holder.append(value)
    elif top.key is not None and (top.waiting or isinstance(value, dict | list)):
        if top.key in top.holder:
            top.before.append(dict(top.holder))
            top.holder.clear()
        top.holder[top.key] = value
        top.key, top.waiting = None, False
    elif not isinstance(value, dict | list):
        top.stray = top.stray or top.key is not None
        top.key, top.waiting = str(value), False
    else:
        top.stray = True


def _is_stray(top: _Open) -> bool:
    return top.stray or top.key is not None


_NEXT_KEY = regex.compile(r"[\"'][A-Za-z_]{1,20}[\"']\s*:")


def _string(text: str, place: int, quote: str, *, in_list: bool) -> tuple[str, int]:
    """Read a string from its opening quote; a quote inside it that is followed by no separator is part of it.

    ``,"`` in a list, or ``,"key":`` in an object, opens the next string: this one's closing quote was swallowed.
    """
    characters: list[str] = []
    place += 1
    end = len(text)
    while place < end:
        char = text[place]
        if char == "\\" and place + 1 < end:
            following = text[place + 1]
            if following == "u" and _HEX.match(text, place + 2):
                characters.append(chr(int(text[place + 2 : place + 6], 16)))
                place += 6
            elif following in _ESCAPES:
                characters.append(_ESCAPES[following])
                place += 2
            else:  # a bad escape: the backslash is dropped, the character kept
                place += 1
        elif char == quote:
            if _AFTER_STRING.match(text, place + 1):
                return _joined(characters), place + 1
            if characters[-1:] == [","] and len(characters) > 1 and (in_list or _NEXT_KEY.match(text, place)):
                return _joined(characters[:-1]), place
            if text[place + 1 : place + 2] == quote or not _closes_later(text, place, quote):
                return _joined(characters), place + 1
            characters.append(char)
            place += 1
        else:
            characters.append(" " if char == "\n" else char)
            place += 1
    return _joined(characters), place


def _closes_later(text: str, place: int, quote: str) -> bool:
    """Return True if the string goes on: its end comes soon, before the next line break."""
    ahead = text[place + 1 : place + 200].partition("\n")[0]
    return regex.search(quote + r"\s*[,:\]}]", ahead) is not None


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
