"""Topics and globs, as certificates grant them ("Topics and globs" in docs/wire-format.md)."""
import re


def topic_error(topic):
    if not 1 <= len(topic) <= 255:
        return f"{len(topic)} bytes; 1 to 255 are allowed"
    try:
        text = topic.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text):
        return "control characters"
    return "" if all(text.split(".")) else "an empty token"


def glob_elements(token):
    """A token of a glob as a list: "*", "?", or the (negated, ranges) of one character."""
    elements, at = [], 0
    while at < len(token):
        if token.startswith("**", at):
            raise ValueError("'**' must stand alone between dots")
        if token[at] != "[":
            elements.append(token[at] if token[at] in "*?" else (False, [(token[at], token[at])]))
            at += 1
            continue
        negated = token.startswith("!", at + 1)
        first = at + 1 + negated
        close = token.find("]", first + 1)  # A "]" that is first belongs to the set.
        if close < 0:
            raise ValueError("'[' is never closed")
        ranges = [(r[0], r[-1]) for r in re.findall(r".-.|.", token[first:close], re.DOTALL)]
        if any(low > high for low, high in ranges):
            raise ValueError("a range runs backwards")
        elements.append((negated, ranges))
        at = close + 1
    return elements


def parse_glob(glob):
    if error := topic_error(glob):
        raise ValueError(error)
    return [t if t == "**" else glob_elements(t) for t in glob.decode().split(".")]


def greedy_match(pattern, items, star, one):
    """Only the last star ever takes one item more, so the cost is linear in pattern x items."""
    p = t = taken = 0
    after_star = None
    while t < len(items):
        if p < len(pattern) and pattern[p] == star:
            p, taken = p + 1, t
            after_star = p
        elif p < len(pattern) and one(pattern[p], items[t]):
            p, t = p + 1, t + 1
        elif after_star is None:
            return False
        else:
            taken += 1
            p, t = after_star, taken
    return all(rest == star for rest in pattern[p:])


def character_matches(element, character):
    if element == "?":
        return True
    negated, ranges = element
    return any(low <= character <= high for low, high in ranges) != negated


def token_matches(elements, token):
    return greedy_match(elements, token, "*", character_matches)


def glob_matches(glob, topic):
    return greedy_match(parse_glob(glob), topic.decode().split("."), "**", token_matches)
