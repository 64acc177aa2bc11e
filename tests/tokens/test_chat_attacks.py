"""Templates that try to get out, to last for ever, or to fill the memory."""

import pytest

from tokstudio.errors import TokenizerError
from tokstudio.tokens.chat import Renderer

TALK = [{"role": "user", "content": "hi"}]
DEEP = "{% for i in range(90000) %}{% set n.x=[n.x] %}{% endfor %}"
REACHES = [
    "{{ lipsum.__globals__ }}",
    "{{ lipsum|attr('__globals__') }}",
    "{{ lipsum['__globals__'] }}",
    "{{ cycler('a').next.__func__ }}",
    "{{ joiner.__init__ }}",
    "{{ namespace()._Namespace__attrs }}",
    "{% set n=namespace() %}{% set n.__class__=1 %}{{ n.__class__ }}",
    "{{ '{0.__class__.__mro__}'.format('') }}",
    "{{ '{x.__class__}'.format_map({'x':1}) }}",
    "{{ ('{0.__class__}'|attr('format'))(1) }}",
    "{% set f='{0.__class__}'.format %}{{ f(1) }}",
    "{% set f=(['{0.__class__}']|map(attribute='format')|first) %}{{ f(1) }}",
    "{{ [1]|map(attribute='__class__')|list }}",
    "{{ [1]|map('attr','__class__')|list }}",
    "{{ [1]|selectattr('__class__')|list }}",
    "{{ [1,2]|sort(attribute='__class__.__name__') }}",
    "{{ [1]|groupby('__class__') }}",
    "{{ [1]|join(attribute='__class__')}}",
    "{% for a in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for a in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% macro f() %}{% endmacro %}{{ f._func.__globals__ }}",
    "{% macro f() %}{{ caller.__class__ }}{% endmacro %}{% call f() %}x{% endcall %}",
    "{{ self._TemplateReference__context }}",
    "{{ strftime_now.__globals__ }}",
    "{{ raise_exception.__closure__ }}",
    "{{ (messages|map('upper')).gi_frame.f_back.f_globals }}",
    "{{ 'a'['__cla'~'ss__'] }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ dict.mro() }}",
    "{{ messages[0].update({'role':'x'}) }}",
    "{{ messages.clear() }}",
]
TOO_MUCH = {
    "three loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "cycler": "{% set c=cycler(1) %}{% for i in range(99999) %}{% for j in range(9999) %}"
    "{% set _=c.next() %}{% endfor %}{% endfor %}",
    "folded": "{{ 2**(2**40) }}",
    "squared": "{% set n=namespace(x=3) %}{% for i in range(60) %}{% set n.x=n.x*n.x %}{% endfor %}{{ n.x }}",
    "lipsum": "{{ lipsum(n=10000000) }}",
    "list": "{{ ([1]*10**10)|length }}",
    "center": "{{ 'a'|center(10**11) }}",
    "width": "{{ '{:>10000000000}'.format('a') }}",
    "indent": "{{ [1]|tojson(indent=10**9) }}",
    "recursive loop": "{% for a in [[1]] recursive %}{{ loop([a]) }}{% endfor %}",
    "block in itself": "{% block a %}{{ self.a() }}{% endblock %}",
    "parentheses": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "long sum": "{{ " + "+".join(["1"] * 100_000) + " }}",
    "deep json": "{% set n=namespace(x=[]) %}" + DEEP + "{{ n.x|tojson }}",
    "deep text": "{% set n=namespace(x=[]) %}" + DEEP + "{{ n.x }}",
    "half a character": "{{ '\\ud800' }}",
    "a reason without end": "{{ raise_exception('a'*10**8) }}",
}


@pytest.fixture(scope="module")
def renderer():
    with Renderer() as one:
        one.render("", [])
        yield one


@pytest.mark.parametrize("template", REACHES)
def test_no_way_to_python(renderer, template):
    with pytest.raises(TokenizerError, match="reaches for Python and is refused") as caught:
        renderer.render(template, TALK)
    assert caught.value.hint


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_too_much_is_ended(kind):
    with Renderer() as own, pytest.raises(TokenizerError, match="The chat template") as caught:
        own.render(TOO_MUCH[kind], TALK, seconds=1)
    assert caught.value.hint
    assert len(str(caught.value)) < 500


def test_half_a_character_is_named_as_what_it_is(renderer):
    with pytest.raises(TokenizerError, match="writes half a character"):
        renderer.render("{{ '\\ud800' }}", TALK)


def test_a_long_reason_is_cut_and_ends_with_one_stop(renderer):
    with pytest.raises(TokenizerError, match=r"^The chat template refuses these messages: a{300}\.$"):
        renderer.render("{{ raise_exception('a'*100000) }}", TALK)
    with pytest.raises(TokenizerError, match=r"unknown tag 'debug'\.$"):
        renderer.render("{% debug %}", TALK)
