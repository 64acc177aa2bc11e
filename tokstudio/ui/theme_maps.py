"""Color maps from one formula per theme: diverging blue - panel color - orange, and surface to accent.

Zero fades into the panel, so distance from the panel is magnitude and hue is sign, in both themes.
"""

import numpy as np


def diverging(name: str) -> np.ndarray:
    """uint8 [256, 3] for the theme called `name` ("light", "dark" or "contrast"); entry 0 is most negative."""
    position = np.linspace(-1, 1, 256)
    magnitude = np.abs(position)
    if name == "light":
        lightness, chroma = 0.985 + (0.47 - 0.985) * magnitude**0.9, 0.17 * magnitude**0.8
    elif name == "contrast":
        lightness, chroma = 0.88 * magnitude**0.9, 0.15 * magnitude**0.55
    else:
        lightness, chroma = 0.225 + (0.80 - 0.225) * magnitude**0.9, 0.145 * magnitude**0.55
    return _to_srgb(lightness, chroma, np.radians(np.where(position < 0, 255.0, 50.0)))


def ramp(low: str, high: str) -> np.ndarray:
    """uint8 [256, 3] from one "#rrggbb" to another."""
    ends = [np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)], float) for c in (low, high)]
    weight = np.linspace(0, 1, 256)[:, None]
    return np.rint(ends[0] * (1 - weight) + ends[1] * weight).astype(np.uint8)


def _to_srgb(lightness: np.ndarray, chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """OKLCH to uint8 sRGB; chroma is lowered where the color lies outside sRGB, lightness and hue stay."""
    chroma = chroma.copy()
    while True:
        rgb = _linear(lightness, chroma, hue)
        outside = ((rgb < -1e-4) | (rgb > 1.0001)).any(axis=1) & (chroma > 0)
        if not outside.any():
            break
        chroma[outside] = np.maximum(0, chroma[outside] - 0.002)
    rgb = rgb.clip(0, 1)
    encoded = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return np.rint(encoded.clip(0, 1) * 255).astype(np.uint8)


def _linear(lightness: np.ndarray, chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """OKLCH to linear sRGB [n, 3]; the matrices are Ottosson's."""
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=1,
    )
