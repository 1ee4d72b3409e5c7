"""JSON whose numbers keep their digits: what is only passed on must not change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_any = msgspec.json.Decoder(float_hook=Decimal)
_object = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(text: bytes) -> Any:
    """Decode any JSON.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    return _guarded(_any, text)


def decode_object(text: bytes) -> dict[str, Any]:
    """Decode a JSON object.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    found: dict[str, Any] = _guarded(_object, text)
    return found


def split_array(text: bytes) -> list[bytes]:
    """Return the elements of a JSON array as they stand there.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    return [bytes(raw) for raw in _guarded(_raws, text)]


def encode(value: Any) -> bytes:
    """Encode as JSON; decimals are numbers."""
    return _encoder.encode(value)


def _guarded(decoder: msgspec.json.Decoder[Any], text: bytes) -> Any:
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("arrays or objects are nested too deeply") from None
    except (UnicodeDecodeError, ArithmeticError) as error:
        raise ValueError(str(error)) from None
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
