"""What holds for every provider: authentication first, then a readable answer, and never an exception."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.errors import UsageError
from dispatcher.domain.push import Push
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.registry import PROVIDERS
from dispatcher.webhooks.results import Ignored, Parsed, Received, Rejected, too_large
from tests.dispatcher.webhooks.support import (
    HEADERS,
    SECRET,
    Sent,
    basic,
    hmac_of,
    names,
    sent,
    standard,
)
from tests.examples import examples
from tests.growth import grows_linearly

SIGNATURE_HEADER = {
    "github": "X-Hub-Signature-256",
    "gitlab": "X-Gitlab-Token",
    "gitea": "X-Gitea-Signature",
    "forgejo": "X-Forgejo-Signature",
    "gogs": "X-Gogs-Signature",
    "bitbucket": "X-Hub-Signature",
    "bitbucket-server": "X-Hub-Signature",
    "azure-devops": "Authorization",
    "generic": "X-Signature-256",
}
PUSH = {
    **{provider: f"{provider}/push__branch" for provider in SIGNATURE_HEADER},
    "gitlab": "gitlab/push_hook__branch",
    "bitbucket": "bitbucket/repo_push__branch",
    "bitbucket-server": "bitbucket-server/repo_refs_changed__branch",
    "azure-devops": "azure-devops/git_push__branch",
}
TOKENS: dict[str, Callable[[bytes], str]] = {"gitlab": bytes.decode, "azure-devops": basic}
"""What is sent by those that sign nothing."""
SIGNED = sorted(SIGNATURE_HEADER.keys() - TOKENS.keys())
PREFIXED = [provider for provider in SIGNED if provider not in ("gitea", "forgejo", "gogs")]
"""Those whose signature begins with `sha256=`."""


def signature_of(delivery: Sent, secret: bytes) -> str:
    if delivery.provider in TOKENS:
        return TOKENS[delivery.provider](secret)
    signature = hmac_of(delivery.body, secret)
    return signature if delivery.provider in PREFIXED else signature.removeprefix("sha256=")


each_provider = pytest.mark.parametrize("provider", sorted(PROVIDERS))


def test_every_provider_has_fixtures() -> None:
    assert {name.partition("/")[0] for name in names()} == set(PROVIDERS) == set(SIGNATURE_HEADER)


@pytest.mark.parametrize("name", names())
def test_every_fixture_is_understood(name: str) -> None:
    assert not isinstance(sent(name).answer(), Rejected)


def test_an_unknown_provider_is_reported_with_those_that_are_there() -> None:
    with pytest.raises(UsageError, match="github, gitlab, gitea"):
        receive("gitub", [], b"", Trust([SECRET]))


@each_provider
def test_any_of_the_secrets_is_accepted_and_the_answer_says_which(provider: str) -> None:
    delivery = sent(PUSH[provider])

    assert delivery.received().secret == 0
    assert delivery.but(secrets=(b"new", SECRET, b"old")).received().secret == 1


@each_provider
@pytest.mark.parametrize("secrets", [(), (b"",), (b"other",), (b"", b"other")])
def test_without_the_right_secret_nothing_is_accepted(
    provider: str, secrets: tuple[bytes, ...]
) -> None:
    rejected = sent(PUSH[provider]).but(secrets=secrets).rejected()

    assert (rejected.status, rejected.cause) == (401, "signature_mismatch")


@each_provider
def test_an_empty_secret_matches_not_even_its_own_signature(provider: str) -> None:
    delivery = sent(PUSH[provider])
    empty = delivery.but(
        headers={SIGNATURE_HEADER[provider]: signature_of(delivery, b"")}, secrets=(b"",)
    )

    assert empty.rejected().status == 401
    with_another = delivery.but(
        headers={SIGNATURE_HEADER[provider]: signature_of(delivery, b"x")}, secrets=(b"x",)
    )
    assert with_another.received()  # so that it is the emptiness which counts


@pytest.mark.parametrize("provider", PREFIXED)
@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "signature_missing"),
        ("", "signature_malformed"),
        ("sha256=", "signature_malformed"),
        ("sha256=" + "0" * 63, "signature_malformed"),
        ("sha256=" + "0" * 64, "signature_mismatch"),
        ("SHA256=" + "0" * 64, "signature_malformed"),
        ("sha1=" + "0" * 40, "signature_malformed"),
        ("0" * 64, "signature_malformed"),
        ("sha256=" + "é" * 64, "signature_malformed"),
        ("sha256=" + "\xff" * 64, "signature_malformed"),
    ],
)
def test_invalid_signatures(provider: str, value: str | None, cause: str) -> None:
    delivery = sent(PUSH[provider])
    missing = {"X-Hub-Signature": None} if value is None else {}

    rejected = delivery.but(headers={SIGNATURE_HEADER[provider]: value, **missing}).rejected()

    assert (rejected.status, rejected.cause) == (401, cause)


@each_provider
def test_a_repeated_signature_is_rejected_even_if_both_are_right(provider: str) -> None:
    delivery = sent(PUSH[provider])
    name = SIGNATURE_HEADER[provider].lower().encode()
    (value,) = [value for header, value in delivery.raw_headers if header == name]

    rejected = delivery.but(repeated=((name, value),)).rejected()

    assert (rejected.status, rejected.cause) == (401, "signature_repeated")


@each_provider
def test_all_401_answers_read_the_same(provider: str) -> None:
    values: list[str | None] = [None, "", "x", "sha256=" + "0" * 64, "é"]
    answers = [
        sent(PUSH[provider]).but(headers={SIGNATURE_HEADER[provider]: v}).rejected() for v in values
    ]

    assert len({(answer.status, answer.code, answer.message) for answer in answers}) == 1


@each_provider
def test_the_body_is_not_parsed_before_it_is_authenticated(provider: str) -> None:
    garbage = sent(PUSH[provider]).but(body=b"\xff{not json", content_type="no/such")

    assert garbage.but(headers={SIGNATURE_HEADER[provider]: "wrong"}).rejected().status == 401
    assert garbage.rejected().status == 415


@pytest.mark.parametrize("provider", SIGNED)
def test_a_changed_body_needs_another_signature(provider: str) -> None:
    delivery = sent(PUSH[provider])

    answer = receive(provider, delivery.raw_headers, delivery.body + b" ", Trust([SECRET]))

    assert isinstance(answer, Rejected)
    assert answer.cause == "signature_mismatch"


@each_provider
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"nonsense", "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b'{"ref": "\xff"}', "invalid_json or invalid_body"),  # by who looks at ref
        (b'{"ref": "\\ud800"}', "invalid_json"),
        (b'{"x": NaN}', "invalid_json"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json"),
        (b"[]", "invalid_body"),
        (b"null", "invalid_body"),
        (b"7", "invalid_body"),
        (b"{}", "invalid_body"),
    ],
)
def test_bodies_that_are_no_payload(provider: str, body: bytes, code: str) -> None:
    rejected = sent(PUSH[provider]).but(body=body).rejected()

    assert rejected.status == 400
    assert rejected.code in code.split(" or ")


@each_provider
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"Content-Type": None}, "unsupported_media_type"),
        ({"Content-Type": "application/json; charset=klingon"}, "unsupported_charset"),
        ({"Content-Type": "application/json; charset=utf-16"}, "unsupported_charset"),
        ({"Content-Encoding": "gzip"}, "unsupported_encoding"),
    ],
)
def test_bodies_in_another_form(provider: str, header: dict[str, str | None], code: str) -> None:
    rejected = sent(PUSH[provider]).but(headers=header).rejected()

    assert (rejected.status, rejected.code) == (415, code)


@each_provider
@pytest.mark.parametrize(
    "value",
    ["application/json;charset=UTF-8", 'application/json; charset="utf-8"', "Application/JSON"],
)
def test_content_types_that_mean_json(provider: str, value: str) -> None:
    assert sent(PUSH[provider]).but(content_type=value).received()


DELIVERY = [
    ("github", "X-GitHub-Delivery"),
    ("gitlab", "Idempotency-Key"),
    ("gitea", "X-Gitea-Delivery"),
    ("forgejo", "X-Forgejo-Delivery"),
    ("gogs", "X-Gogs-Delivery"),
    ("bitbucket", "X-Request-UUID"),
    ("bitbucket-server", "X-Request-Id"),
    ("generic", "X-Delivery-Id"),
]


@pytest.mark.parametrize(("provider", "name"), DELIVERY)
def test_a_delivery_id_sent_twice_is_refused(provider: str, name: str) -> None:
    rejected = sent(PUSH[provider]).but(repeated=((name.encode(), b"other"),)).rejected()

    assert (rejected.status, rejected.code) == (400, "repeated_header")
    assert name in rejected.message


@pytest.mark.parametrize(("provider", "name"), DELIVERY)
@pytest.mark.parametrize("value", ["é", "a\x00b", "x" * 257])
def test_an_unreadable_delivery_id_is_refused(provider: str, name: str, value: str) -> None:
    rejected = sent(PUSH[provider]).but(headers={name: value}).rejected()

    assert (rejected.status, rejected.code) == (400, "malformed_header")
    assert name in rejected.message


@each_provider
def test_odd_characters_in_messages_and_names_lose_no_push(provider: str) -> None:
    odd = "a\x1b[31m\x00b\x9b\r\n\r\nrest\twith tab"
    body = json.loads(sent(PUSH[provider]).body)
    for words in objects(body):
        for name in words.keys() & {"message", "comment"}:
            if isinstance(words[name], str):
                words |= {name: odd + "x" * 5000, "title": odd}

    push = sent(PUSH[provider]).but(body=json.dumps(body).encode()).push()

    assert push.title == "a [31m b"
    assert push.message.startswith("a [31m b \n\nrest\twith tab")
    assert len(push.message) <= 4000


def test_too_large_names_the_limit_and_the_remedy() -> None:
    assert too_large(1000).status == 413
    assert "1000 bytes" in too_large(1000).message
    assert "max_body" in too_large(1000).message


# Whatever a host that knows the secret sends, the answer is one of the three, and soon.

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50)
    | st.sampled_from(["", "0" * 40, "0" * 64, "refs/heads/main", "refs/tags/", "https://x/y"])
    | st.text("refs/head.*~\\\x00 é", max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree of JSON, the inner ones first."""
    for value in list(tree.values()) if isinstance(tree, dict) else tree:
        if isinstance(value, dict | list):
            yield from objects(value)
    if isinstance(tree, dict):
        yield tree


def places(tree: Any) -> Iterator[Callable[[Any], None]]:
    """A way to replace each value in a tree of JSON."""
    items: list[tuple[Any, object]] = []
    if isinstance(tree, dict):
        items = list(tree.items())
    elif isinstance(tree, list):
        items = list(enumerate(tree))
    for key, value in items:
        yield lambda new, key=key: tree.__setitem__(key, new)  # type: ignore[misc]
        yield lambda _, key=key: tree.pop(key, None) if isinstance(tree, dict) else tree.clear()  # type: ignore[misc]
        if isinstance(value, list) and value:
            yield lambda _, value=value: value.extend(value * 40)  # type: ignore[misc]
        yield from places(value)


@st.composite
def mutated(draw: st.DrawFn) -> Sent:
    delivery = sent(draw(st.sampled_from(names())))
    tree = deepcopy(json.loads(delivery.body))
    for _ in range(draw(st.integers(1, 3))):
        if found := list(places(tree)):
            draw(st.sampled_from(found))(draw(VALUES))
    return delivery.but(body=json.dumps(tree).encode())


@st.composite
def scrambled(draw: st.DrawFn) -> Sent:
    delivery = sent(draw(st.sampled_from(names())))
    start = draw(st.integers(0, len(delivery.body)))
    end = draw(st.integers(start, min(len(delivery.body), start + 30)))
    body = delivery.body[:start] + draw(st.binary(max_size=30)) + delivery.body[end:]
    return delivery.but(
        body=draw(st.sampled_from([body, body[:end], draw(st.binary(max_size=200))]))
    )


HEADER_NAMES = st.sampled_from(
    sorted(
        {b"content-type", b"content-encoding", b"authorization"}
        | {name.encode().lower() for headers in HEADERS.values() for name in headers("push", b"")}
        | {name.encode() for name in standard(b"", b"")}
    ),
)


def check(answer: Parsed) -> None:
    assert isinstance(answer, Received | Ignored | Rejected)
    if isinstance(answer, Rejected):
        assert answer.status in (400, 401, 415)
        assert answer.message.isprintable()
    if isinstance(answer, Received):
        for push in answer.pushes:
            check_push(push)


def check_push(push: Push) -> None:
    assert push.ref.startswith(("refs/heads/", "refs/tags/"))
    assert push.ref.isprintable() or any(ord(char) > 0xA0 for char in push.ref)
    assert len(push.after) in (40, 64)
    assert len(push.before) in (0, 40, 64)
    assert push.before != push.after
    assert len(push.title) <= 200
    assert len(push.message) <= 4000
    assert not set(push.title + push.pusher) & set(map(chr, range(32)))
    assert push.pushed_at >= 0


@examples(150)
@given(mutated())
def test_no_payload_raises(delivery: Sent) -> None:
    check(delivery.answer())


@examples(150)
@given(scrambled())
def test_no_bytes_raise(delivery: Sent) -> None:
    check(delivery.answer())


@examples(150)
@given(
    st.sampled_from(names()).map(sent),
    st.lists(st.tuples(HEADER_NAMES, st.binary(max_size=40)), max_size=3).map(tuple),
)
def test_no_headers_raise(delivery: Sent, more: tuple[tuple[bytes, bytes], ...]) -> None:
    check(delivery.but(repeated=more).answer())


@examples(150)
@given(mutated(), st.sampled_from(sorted(PROVIDERS)))
def test_no_delivery_to_another_hosts_hook_raises(delivery: Sent, provider: str) -> None:
    """With that host's signature, so that the body is read."""
    own = {name: value.decode("latin-1") for name, value in delivery.raw_headers}
    headers_of_it = {name.decode(): value for name, value in own.items()}
    check(delivery.but(provider=provider, headers=headers_of_it).answer())


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_the_work_grows_with_the_delivery_and_no_faster(provider: str) -> None:
    @cache
    def long(size: int) -> Sent:
        delivery = sent(PUSH[provider])
        tree = json.loads(delivery.body)
        for each in [value for value in lists(tree) if value]:
            each.extend(deepcopy(each) * size)
        return delivery.but(body=json.dumps(tree).encode())

    assert isinstance(long(900).answer(), Received | Rejected)
    assert grows_linearly(lambda size: long(size).answer(), 60)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_the_work_grows_with_the_texts_and_no_faster(provider: str) -> None:
    """Whatever is looked for in a name, a reference, an address or a message."""
    tree = json.loads(sent(PUSH[provider]).body)

    @cache
    def long(size: int) -> Sent:
        body = json.dumps(lengthened(tree, size)).encode()
        return sent(PUSH[provider]).but(body=body)

    assert grows_linearly(lambda size: long(size).answer(), 20)


def lengthened(tree: Any, size: int) -> Any:
    """The same tree with each of its texts so many times as long."""
    if isinstance(tree, list):
        return [lengthened(each, size) for each in tree]
    if isinstance(tree, dict):
        return {name: lengthened(value, size) for name, value in tree.items()}
    return tree * size if isinstance(tree, str) else tree


def lists(tree: Any) -> Iterator[list[Any]]:
    """The outermost lists in a tree of JSON."""
    if isinstance(tree, list):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from lists(value)
