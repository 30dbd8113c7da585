"""Secrets that machines make and people type."""

from roster.kit import secrets


def test_a_generated_password_is_no_option_on_a_command_line_and_can_be_read_out():
    made = [secrets.password() for _ in range(2000)]

    assert all(each.isascii() and each.isalnum() for each in made)
    assert not set("".join(made)) & set("0O1lI")
    assert {len(each) for each in made} == {24}
    assert len(set(made)) == len(made)
