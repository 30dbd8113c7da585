"""What can go wrong with definitions of custom fields."""

from roster.kit.errors import NotFound


class DefinitionNotFound(NotFound):
    """The realm has not defined this field."""

    code = "attribute_not_found"
    text = "There is no definition of this attribute."
