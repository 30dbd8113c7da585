"""An import contract of our own: some modules are private to the package they lie in."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PrivateModules(Contract):
    """A module called `name`, or `…_name`, is imported only by its siblings: a feature's SQL by the feature alone."""

    names: Any = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - as the base class has it
        """Every import from outside of the module's own package."""
        private = [module for module in graph.modules if module.rpartition(".")[2].rpartition("_")[2] in self.names]
        breaches = [
            (importer, module)
            for module in sorted(private)
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if importer.rpartition(".")[0] != module.rpartition(".")[0]
        ]
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each breach."""
        for importer, module in check.metadata["breaches"]:
            output.print_error(f"{importer} imports {module}, which is private to {module.rpartition('.')[0]}")
