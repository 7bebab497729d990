"""The configuration package's public names: load settings, check a file. Other rooms import only these."""

from dispatcher.config.cluster import ClusterSettings, NamespaceSettings
from dispatcher.config.deliveries import DeliverySettings
from dispatcher.config.description import describe
from dispatcher.config.digest import configuration_digest
from dispatcher.config.environment import (
    LONGEST_CALL,
    VARIABLES,
    Environment,
    Variable,
    mistyped_variables,
)
from dispatcher.config.files import Configuration
from dispatcher.config.jobs import (
    CLONE_IMAGE,
    Clone,
    EnvFrom,
    EnvReference,
    ManifestJob,
    Resources,
    ShortJob,
    Toleration,
)
from dispatcher.config.logs import LogSettings
from dispatcher.config.manifests import Manifest
from dispatcher.config.notifications import Chat, NotificationSettings, Summarize, Webhook
from dispatcher.config.settings import (
    Settings,
    configuration_path,
    load,
    read_configuration,
    read_environment,
    read_without_secrets,
)
from dispatcher.config.targets import PROVIDERS, Hook, Target
from dispatcher.config.users import UserRoles
from dispatcher.config.warnings import warnings

__all__ = [
    "CLONE_IMAGE",
    "LONGEST_CALL",
    "PROVIDERS",
    "VARIABLES",
    "Chat",
    "Clone",
    "ClusterSettings",
    "Configuration",
    "DeliverySettings",
    "EnvFrom",
    "EnvReference",
    "Environment",
    "Hook",
    "LogSettings",
    "Manifest",
    "ManifestJob",
    "NamespaceSettings",
    "NotificationSettings",
    "Resources",
    "Settings",
    "ShortJob",
    "Summarize",
    "Target",
    "Toleration",
    "UserRoles",
    "Variable",
    "Webhook",
    "configuration_digest",
    "configuration_path",
    "describe",
    "load",
    "mistyped_variables",
    "read_configuration",
    "read_environment",
    "read_without_secrets",
    "warnings",
]
