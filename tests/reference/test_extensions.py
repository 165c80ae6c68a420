"""Texts that stand for decimals, addresses, datetimes and durations, and texts that do not."""

from __future__ import annotations

import calendar
import datetime as host

import pytest
from agentpdp.reference import EvaluationError, datetime, decimal, ipaddr

LONG_MAX = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "units"),
    [
        *(("0.0", 0), ("-0.0", 0), ("-0.5", -5_000), ("1.1000", 11_000), ("00.10", 1_000)),
        ("922337203685477.5807", LONG_MAX),
        ("-922337203685477.5808", -(2**63)),
        ("0" * 5_000 + "1.0", 10_000),
    ],
)
def test_decimal(text: str, units: int) -> None:
    assert decimal.parse(text).units == units


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "-",
            "1",
            ".5",
            "5.",
            "+1.0",
            "1.23456",
            "1e3",
            " 1.0",
            "1.0 ",
            "1.0\n",
            "1.-1",
            "١.٥",
        ),
        *("922337203685477.5808", "-922337203685477.5809", "9" * 5_000 + ".0"),
    ],
)
def test_no_decimal(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        decimal.parse(text)
    assert caught.value.code == "extension_error"


@pytest.mark.parametrize(
    ("text", "version", "address", "prefix"),
    [
        ("1.2.3.4", 4, 0x01020304, 32),
        ("0.0.0.0/0", 4, 0, 0),
        ("10.0.0.1/8", 4, 0x0A000001, 8),
        ("::", 6, 0, 128),
        ("1:2:3:4:5:6:7::", 6, 0x00010002000300040005000600070000, 128),
        ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789/128", 6, 0xABCDEF0123456789ABCDEF0123456789, 128),
    ],
)
def test_address(text: str, version: int, address: int, prefix: int) -> None:
    assert ipaddr.parse(text) == ipaddr.IpAddress(version, address, prefix)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "256.0.0.1",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4 ",
            "1.2.3.4:80",
            "1..2.3",
        ),
        *(
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/-1",
            "1.2.3.4/00",
            "1.2.3.4/032",
            "1.2.3.4/8/8",
            "::/129",
        ),
        *(
            ":",
            ":::",
            ":1",
            "1:",
            "::g",
            "12345::",
            "1::2::3",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7::8",
        ),
        *("::ffff:127.0.0.1", "1:2:3:4:5:6:1.2.3.4", "fe80::1%eth0"),
        "0abcd:ef01:2345:6789:abcd:ef01:2345:6789/128",
    ],
)
def test_no_address(text: str) -> None:
    with pytest.raises(EvaluationError):
        ipaddr.parse(text)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T23:59:59.999Z", -1),
        ("1970-01-01T01:00:00+0100", 0),
        ("1970-01-01T00:00:00-2359", 86_340_000),
        ("0000-01-01", -62_167_219_200_000),
        ("0000-02-29", -62_162_121_600_000),
        ("9999-12-31T23:59:59.999-2359", 253_402_387_139_999),
    ],
)
def test_datetime(text: str, milliseconds: int) -> None:
    assert datetime.parse_datetime(text).milliseconds == milliseconds


def test_every_day_of_five_centuries() -> None:
    day, epoch = host.date(1800, 1, 1), host.date(1970, 1, 1)
    while day.year < 2300:
        days = datetime.parse_datetime(f"{day:%Y-%m-%d}").milliseconds // datetime.DAY
        assert days == (day - epoch).days
        day += host.timedelta(days=1)


@pytest.mark.parametrize("year", [0, 1900, 2000, 2023, 2024])
def test_no_month_has_a_day_more(year: int) -> None:
    for month, days in enumerate(calendar.mdays):
        last = days + (month == 2 and calendar.isleap(year))
        with pytest.raises(EvaluationError):
            datetime.parse_datetime(f"{year:04}-{month:02}-{last + 1:02}")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "2024",
            "2024-1-1",
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
        ),
        *("2024-04-31", "2024-01-01Z", "2024-01-01T00:00Z", "2024-01-01T00:00:00", "2024-01-01\n"),
        *(
            "2024-01-01 00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T23:60:00Z",
            "2024-01-01T23:59:60Z",
        ),
        *("2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060"),
        *("2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00z", "-2024-01-01", "+2024-01-01"),
    ],
)
def test_no_datetime(text: str) -> None:
    with pytest.raises(EvaluationError):
        datetime.parse_datetime(text)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        *(
            ("0ms", 0),
            ("-0ms", 0),
            ("1d2h3m4s5ms", 93_784_005),
            ("-1h", -3_600_000),
            ("00001h", 3_600_000),
        ),
        ("9223372036854775807ms", LONG_MAX),
        ("-9223372036854775808ms", -(2**63)),
        ("-9223372036854775s808ms", -(2**63)),
    ],
)
def test_duration(text: str, milliseconds: int) -> None:
    assert datetime.parse_duration(text).milliseconds == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "1", "d", "1x", "1.5h", "5ms4s", "1d1d", "1 h", "1H", "+1h", "--1d", "1h\n"),
        *("9223372036854775808ms", "-9223372036854775809ms", "106751991168d", "9" * 5_000 + "d"),
    ],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(EvaluationError):
        datetime.parse_duration(text)


def test_times_before_the_epoch_round_down_and_durations_towards_zero() -> None:
    before = datetime.Datetime(-1)
    assert datetime.to_date(before) == datetime.Datetime(-86_400_000)
    assert datetime.to_time(before) == datetime.Duration(86_399_999)
    assert datetime.whole(datetime.Duration(-1_999), 1_000).value == -1
    with pytest.raises(EvaluationError):
        datetime.to_date(datetime.Datetime(-(2**63)))
