"""What can go wrong with labels."""

from roster.kit.errors import Conflict, NotFound, Taken


class LabelNotFound(NotFound):
    """No such label in this realm or organisation, or none the actor may know of."""

    code = "label_not_found"
    text = "There is no such label."


class LabelNameTaken(Taken):
    """Names of labels that are not deleted are unique in the realm, and in each organisation, whatever their case."""

    code = "label_name_taken"
    text = "There is a label with this name."
    field = "name"


class CategoryNotFound(NotFound):
    """No such category of labels in this realm, or none the actor may know of."""

    code = "label_category_not_found"
    text = "There is no such category of labels."


class CategoryNameTaken(Taken):
    """Names of categories that are not deleted are unique in a realm, compared without regard to case."""

    code = "label_category_name_taken"
    text = "There is a category of labels with this name."
    field = "name"


class CategoryInUse(Conflict):
    """A category goes when its labels are gone."""

    code = "label_category_in_use"
    text = "There are labels in this category."


class LabelNotDeleted(Conflict):
    """Only deleted labels and categories can be restored."""

    code = "label_not_deleted"
    text = "This label or category is not deleted."


class TooManyOrgLabels(Conflict):
    """An organisation has its share of labels."""

    code = "too_many_org_labels"
    text = "The organisation has too many labels."
