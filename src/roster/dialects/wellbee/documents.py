"""People as this API shows them: documents, whose custom fields stand among the others (notes, section 14)."""

from roster.core.users.models import User


def user(person: User) -> dict[str, object]:
    """A person as one document."""
    known: dict[str, object] = {
        **person.attributes,
        "id": str(person.id),
        "email": person.email,
        "firstName": person.given_name,
        "lastName": person.family_name,
    }
    return {name: value for name, value in known.items() if value is not None}
