"""Deploys as JSON bodies, with what the ledger knows of them. Pure."""

from __future__ import annotations

import msgspec

from dispatcher.config import LogSettings
from dispatcher.domain.phases import phases_of
from dispatcher.http.api.schemas.deploys import DeployDetail, deploy_info, phase_info
from dispatcher.http.api.schemas.events import event_info
from dispatcher.ledger import WholeDeploy


def deploy_detail(whole: WholeDeploy, logs: LogSettings) -> DeployDetail:
    deploy, pod = whole.deploy, whole.observed.pod if whole.observed else ""
    return DeployDetail(
        **msgspec.structs.asdict(deploy_info(deploy)),
        exit_code=deploy.exit_code,
        log_tail=deploy.log_tail,
        log_url=logs.url_of(deploy, pod),
        pod=pod,
        superseded=tuple(f"{deploy.target}/{number}" for number in whole.superseded),
        phases=phase_info(phases_of(whole.timeline, whole.now, has_job=bool(whole.observed))),
        timeline=tuple(event_info(event, deploy.target) for event in whole.timeline),
    )
