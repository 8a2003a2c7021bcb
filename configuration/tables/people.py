"""The tables of people in mlops.toml: the names by which git and Entra know an approver."""

import re

from configuration.kinds import Key, Listed, Table, Text

_OID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IDENTITY = re.compile(r"(?! )[^,<>\"\\\x00-\x1f\x7f]{1,254}(?<! )")

PEOPLE = Table(
    name="people.<name>",
    help="One person, by the name that `approvers` uses: the names under which git, the code host "
    "and Entra know this person. Separation of duties compares authors by them. On one machine a "
    "person needs no table while git knows the person by the approver's name.",
    keys=(
        Key(
            name="git",
            kind=Listed(
                item=Text(
                    allowed="an e-mail address of commits or a login of the code host, up to 254 "
                    'characters without , < > " \\ and without blanks around it',
                    accepts=lambda text: _IDENTITY.fullmatch(text) is not None,
                ),
                noun="e-mail addresses and logins",
                once=True,
                fold=True,
            ),
            default=(),
            help="E-mail addresses in commits (`git config user.email`), and logins of the code "
            "host: the name in the address of a profile. In Azure also the name that Azure ML "
            "shows for the person who submitted a job by hand.",
        ),
        Key(
            name="oid",
            kind=Text(
                allowed='"" or an object id of Entra: 32 hex digits in groups of 8-4-4-4-12',
                accepts=lambda text: not text or _OID.fullmatch(text.lower()) is not None,
            ),
            default="",
            help="Object id of the person in Entra: `az ad signed-in-user show --query id`. In "
            "Azure tokens are matched by it, never by a name, because names can be changed.",
        ),
    ),
)
