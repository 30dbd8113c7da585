"""What can go wrong with orders at electronic identifications."""

from roster.kit.errors import Conflict, NotFound


class OrderNotFound(NotFound):
    """No such order, or not one of whoever asks, or its answer was handed over already."""

    code = "order_not_found"
    text = "There is no such order."


class OrderRunning(Conflict):
    """The person had an order under way at the provider, which has ended both."""

    code = "order_running"
    text = "An order of this person was under way already. Please begin again."


class OrderFailed(Conflict):
    """The order came to nothing; `hint` is the provider's word for why."""

    code = "order_failed"
    text = "The identification was not completed."

    def __init__(self, hint: str) -> None:
        self.hint = hint
        super().__init__(details={"hint": hint})
