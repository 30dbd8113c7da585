"""What can go wrong with devices."""

from roster.kit.errors import Conflict, NotFound, Taken


class DeviceNotFound(NotFound):
    """No such device in this realm, or none the actor may know of."""

    code = "device_not_found"
    text = "There is no such device."


class DeviceIdTaken(Taken):
    """What a device calls itself is unique among the devices of a realm that are not deleted."""

    code = "device_id_taken"
    text = "Another device has this identifier."
    field = "external_id"


class DeviceNotDeleted(Conflict):
    """Only deleted devices can be restored."""

    code = "device_not_deleted"
    text = "This device is not deleted."
