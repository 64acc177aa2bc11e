"""Chat templates: like transformers, with roles and loss mask, and no way out of the sandbox."""

import json

import pytest

from tests.tokens import vocabularies as v
from tokstudio.errors import TokenizerError
from tokstudio.tokens.chat import Renderer, render, specials_of, template_of

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
BEFORE_THE_LOOP = """{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set first = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
    {{- '<|start|>system<|end|>' + first + '<|eot|>' }}
{%- endif %}
{%- for message in messages %}
    {%- if loop.index0 > 98 %}{% break %}{% endif %}
    {{- '<|start|>' + message['role'] + '<|end|>' + message['content'] | trim + '<|eot|>' }}
{%- endfor %}"""
LAST_THOUGHT = (  # only what follows a thought is shown, as in reasoning models
    "{% for m in messages %}[{{ m.role }}]{% set c = m.content %}{% if '</think>' in c %}"
    "{% set c = c.split('</think>')[-1].lstrip() %}{% endif %}{{ c }}{{ '</s>' if m.role == 'assistant' }}{% endfor %}"
)
GENERATION = (
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}!"
    "{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}"
)
FOLDED = (  # no loop variable, the system message inside the user's
    "{% set system = messages[0].content %}{% for m in messages[1:] %}"
    "{% if loop.first %}[INST] <<SYS>>{{ system }}<</SYS>> {{ m.content }} [/INST]"
    "{% elif m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }} </s>{% endif %}{% endfor %}"
)
TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": " user 😀 "},
    {"role": "assistant", "content": "<think>x</think>\n\nJa, natürlich"},
    {"role": "user", "content": "user"},
]


@pytest.fixture(scope="module")
def renderer():
    """Its process starts here, before a test could be blamed for it."""
    with Renderer() as one:
        one.render("", [])
        yield one


def shown(chat) -> list[tuple[str, bool, str]]:
    data = chat.text.encode()
    return [(s.role, s.trained, data[s.start : s.end].decode()) for s in chat.segments]


@pytest.mark.parametrize("template", [CHATML, BEFORE_THE_LOOP, LAST_THOUGHT, FOLDED, GENERATION])
@pytest.mark.parametrize("prompt", [False, True])
def test_the_text_is_that_of_transformers_and_segments_tile_it(renderer, template, prompt):
    from transformers.utils.chat_template_utils import render_jinja_template

    chat = renderer.render(template, TALK, special_tokens={"bos_token": "<s>"}, add_generation_prompt=prompt)
    (theirs,), _ = render_jinja_template(
        [TALK], chat_template=template, bos_token="<s>", add_generation_prompt=prompt
    )
    assert chat.text == theirs
    edges = [edge for segment in chat.segments for edge in (segment.start, segment.end)]
    assert edges[0] == 0
    assert edges[-1] == len(chat.text.encode())
    assert edges[1:-1:2] == edges[2::2]


def test_roles_and_loss_mask_of_a_plain_loop(renderer):
    assert shown(renderer.render(CHATML, TALK, add_generation_prompt=True)) == [
        ("system", False, "<|im_start|>system\nBe kind.<|im_end|>\n"),
        ("user", False, "<|im_start|>user\n user 😀 <|im_end|>\n"),
        ("assistant", False, "<|im_start|>assistant\n"),
        ("assistant", True, "<think>x</think>\n\nJa, natürlich<|im_end|>"),
        ("assistant", False, "\n"),
        ("user", False, "<|im_start|>user\nuser<|im_end|>\n"),
        ("assistant", False, "<|im_start|>assistant\n"),
    ]


def test_a_system_message_before_the_loop(renderer):
    chat = renderer.render(
        BEFORE_THE_LOOP, TALK[:3], special_tokens={"bos_token": "<s>", "more": ["<|eot|>"]}
    )
    assert shown(chat) == [
        ("template", False, "<s>"),
        ("system", False, "<|start|>system<|end|>Be kind.<|eot|>"),
        ("user", False, "<|start|>user<|end|>user 😀<|eot|>"),
        ("assistant", False, "<|start|>assistant<|end|>"),
        ("assistant", True, "<think>x</think>\n\nJa, natürlich<|eot|>"),
    ]


def test_a_template_that_looks_into_the_content(renderer):
    """Marks around the content would change what it writes: the wording is looked for."""
    assert shown(renderer.render(LAST_THOUGHT, TALK, special_tokens={"eos_token": "</s>"}))[2:4] == [
        ("assistant", False, "[assistant]"),
        ("assistant", True, "Ja, natürlich</s>"),
    ]


def test_what_the_template_itself_marks_as_generated(renderer):
    found = shown(renderer.render(GENERATION, TALK))
    assert [text for _, trained, text in found if trained] == ["<think>x</think>\n\nJa, natürlich!"]


def test_a_system_message_inside_the_first_turn(renderer):
    found = shown(renderer.render(FOLDED, TALK, special_tokens={"eos_token": "</s>"}))
    assert ("system", False, "Be kind.") in found
    assert [text for _, trained, text in found if trained] == ["<think>x</think>\n\nJa, natürlich </s>"]


REACHES = {
    "attribute": "{{ ''.__class__.__mro__ }}",
    "globals": "{{ cycler.__init__.__globals__ }}",
    "filter": "{{ messages|attr('__class__') }}",
    "format": "{{ '{0.__class__}'.format(1) }}",
    "self": "{{ self.__init__ }}",
    "function": "{{ raise_exception.__globals__['os'].system('true') }}",
    "change": "{{ messages.append(1) }}",
}
ENDLESS = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "memory": "{{ 'a' * 10 ** 10 }}",
    "doubling": "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "output": "{% for a in range(99999) %}{{ 'a' * 100 }}{% endfor %}",
    "recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "power": "{{ 9 ** (9 ** 9) }}",
}
WRONG = {
    "syntax": ("{% if", "cannot be read .line 1."),
    "refusal": ("{{ raise_exception('only users') }}", "refuses these messages: only users"),
    "undefined": ("{{ x.y.z }}", "'x' is undefined"),
    "arithmetic": ("{{ 1 / 0 }}", "division by zero"),
    "include": ("{% include '/etc/passwd' %}", "The chat template"),
    "import": ("{% import 'os' as os %}", "The chat template"),
}


@pytest.mark.parametrize("kind", REACHES)
def test_a_template_that_reaches_for_python_is_refused(renderer, kind):
    with pytest.raises(TokenizerError, match="reaches for Python and is refused") as caught:
        renderer.render(REACHES[kind], TALK)
    assert caught.value.hint


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_template_without_end_is_ended(kind):
    with Renderer() as own:
        with pytest.raises(TokenizerError, match="The chat template"):
            own.render(ENDLESS[kind], TALK, seconds=1)
        assert own.render("{{ messages[0].role }}", TALK).text == "system"  # the next one is served


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_template_is_a_sentence(renderer, kind):
    template, says = WRONG[kind]
    with pytest.raises(TokenizerError, match=says) as caught:
        renderer.render(template, TALK)
    assert caught.value.hint


def test_messages_without_a_role_and_half_characters(renderer):
    for messages in ([{"content": "a"}], ["a"], [{"role": "user", "content": "a\ud83d"}]):
        with pytest.raises(TokenizerError):
            renderer.render(CHATML, messages)
    with pytest.raises(TokenizerError, match="longer than a million"):
        renderer.render("a" * (1 << 21), TALK)


def test_marks_of_our_own_in_a_message_change_nothing(renderer):
    content = "a\U00100000m0\U00100001b"
    assert content in renderer.render(CHATML, [{"role": "user", "content": content}]).text


def test_one_chat_leaves_no_process():
    assert render("{{ messages[0].content }}", TALK).text == "Be kind."


def test_the_template_that_comes_with_a_tokenizer(tmp_path):
    assert template_of("bytes") is template_of("tiktoken:cl100k_base") is template_of(v.byte_bpe()) is None
    library = (v.folder() / "byte-bpe" / "tokenizer.json") if v.byte_bpe() else None
    (tmp_path / "tokenizer.json").write_bytes(library.read_bytes())
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": CHATML, "eos_token": {"content": "</s>"}}))
    assert template_of(str(tmp_path)) == CHATML
    specials = specials_of(str(tmp_path))
    assert specials["eos_token"] == "</s>"
    assert set(specials["special_tokens"]) == {"<s>", "</s>"}
    several = [{"name": "tool_use", "template": "a"}, {"name": "default", "template": "b"}]
    config.write_text(json.dumps({"chat_template": several}))
    assert template_of(str(tmp_path)) == "b"
    (tmp_path / "chat_template.jinja").write_text("c")
    assert template_of(str(tmp_path)) == "c"
    (tmp_path / "chat_template.jinja").unlink()
    config.write_text("{broken")
    assert template_of(str(tmp_path)) is None
