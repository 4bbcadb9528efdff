# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Evaluate CloudFormation's intrinsic functions.

See the CloudFormation Template Reference, "Intrinsic functions", "Condition functions" and "Rule
functions". ``Fn::If`` evaluates only the chosen branch; but, as in CloudFormation, a missing
mapping key is an error in either branch.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

NO_VALUE = object()
"""Value of ``AWS::NoValue``; dropped from the list or mapping that contains it."""

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class UnresolvedReference(Exception):
    """An expression refers to something that does not exist."""


class Resolver:
    """Evaluates the expressions of a template, with its Conditions and Mappings.

    `references` maps names to ``Ref`` values; `attribute` returns a resource's attribute.
    """

    def __init__(
        self,
        template: dict[str, Any],
        references: Mapping[str, Any],
        attribute: Callable[[str, str], Any],
    ) -> None:
        self._template = template
        self._references = references
        self._attribute = attribute
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Condition": self.condition,
            "Fn::And": lambda items: all(self.resolve(item) for item in items),
            "Fn::Contains": lambda pair: self._within([pair[1]], pair[0]),
            "Fn::EachMemberEquals": lambda pair: self._within(pair[0], [pair[1]]),
            "Fn::EachMemberIn": lambda pair: self._within(*pair),
            "Fn::Equals": lambda pair: str(self.resolve(pair[0])) == str(self.resolve(pair[1])),
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": lambda pair: str(pair[0]).join(map(str, self.resolve(pair[1]))),
            "Fn::Not": lambda items: not self.resolve(items[0]),
            "Fn::Or": lambda items: any(self.resolve(item) for item in items),
            "Fn::Select": self._select,
            "Fn::Split": lambda pair: str(self.resolve(pair[1])).split(pair[0]),
            "Fn::Sub": self._sub,
            "Ref": self._ref,
        }

    def resolve(self, value: Any) -> Any:
        """Replace every function in a value by its result; raises UnresolvedReference."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            # In a policy statement, "Condition" holds a mapping rather than a name.
            if name in self._functions and not (name == "Condition" and isinstance(argument, dict)):
                return self._evaluated(name, argument)
            if name.startswith("Fn::"):
                raise UnresolvedReference(f"the function {name} is not supported")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _evaluated(self, name: str, argument: Any) -> Any:
        try:
            return self._functions[name](argument)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise UnresolvedReference(f"{name} has an argument of another form: {error}") from error

    def condition(self, name: str) -> bool:
        """Return the value of a named condition."""
        conditions = self._template.get("Conditions", {})
        if name not in conditions:
            raise UnresolvedReference(f"there is no condition {name}")
        return bool(self.resolve(conditions[name]))

    def exists(self, declaration: dict[str, Any]) -> bool:
        """Return whether a resource or output exists: no condition, or a true one."""
        return "Condition" not in declaration or self.condition(declaration["Condition"])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name not in self._references:
            raise UnresolvedReference(f"there is no {name}")
        return self._references[name]

    def _get_att(self, argument: Any) -> Any:
        path = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(path[0], ".".join(path[1:]))

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        values = {key: self.resolve(item) for key, item in given.items()}

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return "${" + name + "}"
            if name in values:
                return str(values[name])
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _VARIABLE.sub(replacement, text)

    def _select(self, argument: list[Any]) -> Any:
        index, items = int(self.resolve(argument[0])), self.resolve(argument[1])
        if not 0 <= index < len(items):
            raise UnresolvedReference(f"Fn::Select finds no item {index} in {items}")
        return items[index]

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        taken, left = (then, otherwise) if self.condition(condition) else (otherwise, then)
        self._look_into_mappings(left)
        return self.resolve(taken)

    def _look_into_mappings(self, value: Any) -> None:
        """Raise UnresolvedReference if a value looks up a missing mapping key."""
        if isinstance(value, list):
            for item in value:
                self._look_into_mappings(item)
        elif isinstance(value, dict):
            if "Fn::FindInMap" in value:
                self._find_in_map(value["Fn::FindInMap"])
                return
            for item in value.values():
                self._look_into_mappings(item)

    def _find_in_map(self, argument: list[Any]) -> Any:
        found: Any = self._template.get("Mappings", {})
        path = self.resolve(argument)
        for key in path:
            if key not in found:
                raise UnresolvedReference(f"Fn::FindInMap finds no {' / '.join(map(str, path))}")
            found = found[key]
        return found

    def _within(self, items: Any, allowed: Any) -> bool:
        wanted = {str(item) for item in self.resolve(allowed)}
        return all(str(item) in wanted for item in self.resolve(items))


def references_in(value: Any) -> set[str]:
    """Return all names that a value refers to, in both branches of Fn::If."""
    if isinstance(value, list):
        return {name for item in value for name in references_in(item)}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, item in value.items():
        if key == "Ref":
            found.add(item)
        elif key == "Fn::GetAtt":
            found.add(item.split(".")[0] if isinstance(item, str) else item[0])
        elif key == "Fn::Sub":
            text, given = (item, {}) if isinstance(item, str) else item
            names = {name for literal, name in _VARIABLE.findall(text) if not literal}
            found |= {name.split(".")[0] for name in names - set(given)} | references_in(given)
        else:
            found |= references_in(item)
    return found
