class PreparedStatement:
    _state: object
