"""Brokers and namespaces for the producers' tests."""

from tests.support.kafka_fixtures import cabled, cabled_namespace, namespace

__all__ = ["cabled", "cabled_namespace", "namespace"]
