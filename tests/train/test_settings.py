import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.errors import ConfigError
from tokstudio.train.config import PretrainConfig, TransferConfig, demo, demo_model
from tokstudio.train.settings import apply_overrides, from_dict, load_toml, to_dict, to_toml


@pytest.mark.parametrize("config", [demo(), demo_model()])
def test_toml_round_trip(tmp_path, config):
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert load_toml(type(config), path) == config


def test_overrides():
    config = apply_overrides(
        demo(), ["train.steps=7", "mode=lora", "optimizer.learning_rate=1", 'data.corpus="a b"']
    )
    assert (config.train.steps, config.mode, config.optimizer.learning_rate) == (7, "lora", 1.0)
    assert config.data.corpus == "a b"
    assert apply_overrides(demo(), ['objectives=["alm"]', "weights=[2.0]"]).objectives == ("alm",)
    assert apply_overrides(demo(), ["objectives=next_token,alm", "weights=1, 0.5"]).weights == (1.0, 0.5)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("train.stepz=7", "no setting train.stepz"),
        ("nowhere.steps=7", "no setting nowhere.steps"),
        ("train.steps", "sets nothing"),
        ("train.steps=0", "at least 1"),
        ("train.steps=1.5", "whole number"),
        ("train.steps=true", "whole number"),
        ("train=3", "section"),
        ("mode=half", "mode is 'half'"),
        ("alm.threshold=2", "0 to 1"),
        ('objectives=["lottery"]', "'lottery'"),
        ('weights=[1.0, "x"]', "weights is 'x'; write a number"),
        ("weights=1,x", "weights is 'x'; write a number"),
        ("aggregate.schedules=[1]", "write text"),
        ("optimizer.learning_rate=nan", "write a number"),
        ("optimizer.learning_rate=inf", "write a number"),
    ],
)
def test_a_wrong_override_says_what_is_wrong(override, says):
    with pytest.raises(ConfigError, match=says):
        apply_overrides(demo(), [override])


def test_files_that_cannot_be_settings(tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        load_toml(TransferConfig, tmp_path / "none.toml")
    for data in (b"= 3", b"\xff\xfe", b'train = "x"'):
        (tmp_path / "bad.toml").write_bytes(data)
        with pytest.raises(ConfigError):
            load_toml(TransferConfig, tmp_path / "bad.toml")


@given(
    st.dictionaries(
        st.sampled_from(["model", "tokenizer", "mode", "data", "train", "x"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    )
)
def test_any_table_gives_a_config_or_a_config_error(data):
    try:
        config = from_dict(TransferConfig, data)
    except ConfigError:
        return
    assert from_dict(TransferConfig, to_dict(config)) == config


@pytest.mark.parametrize("cls", [TransferConfig, PretrainConfig])
def test_every_setting_has_a_title(cls):
    import dataclasses

    def walk(one):
        for field in dataclasses.fields(one):
            if dataclasses.is_dataclass(value := getattr(one, field.name)):
                walk(value)
            else:
                assert field.metadata["title"], field.name

    walk(cls())


@pytest.mark.parametrize("weights", [(-1.0, 1.0), (float("nan"), 1.0), (0.0, 0.0)])
def test_weights_that_cannot_be_used_are_refused_before_anything_is_loaded(weights):
    from dataclasses import replace

    from tokstudio.train.transfer import check_config

    config = replace(demo(), objectives=("next_token", "alm"), weights=weights)
    with pytest.raises(ConfigError, match="cannot be used"):
        check_config(config)
