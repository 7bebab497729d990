"""deploy/ fits the package: image, commands, rights in the cluster, example configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
import yaml

from dispatcher import __version__, cli
from dispatcher.app import create_app
from dispatcher.config import VARIABLES, load
from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import ClusterError
from dispatcher.ledger.wakeups import LONGEST_TASK
from workers.heartbeat import HeartbeatFile
from workers.kube.client import Access, Cluster
from workers.logs.relay import LogSource
from workers.reconcile.leased_cluster import ClusterClient
from workers.watch.sweeper import WatcherCluster

# One process renders the manifests, for all tests.
pytestmark = pytest.mark.xdist_group("manifests")

DEPLOY = Path(__file__).parents[1] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
IMAGE = f"registry.example.com/git-dispatcher:{__version__}"

PROCESSES = ("web", "worker", "watcher")

Object = dict[str, Any]


def kustomization() -> Object:
    loaded: Object = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    return loaded


def from_files(_: Path) -> list[Object]:
    """What kustomize makes of the folder, as far as this folder uses kustomize."""
    settings = kustomization()
    texts = [(KUBERNETES / name).read_text() for name in settings["resources"]]
    for image in settings["images"]:
        renamed = f"image: {image['newName']}:{image['newTag']}"
        texts = [re.sub(rf"image: {image['name']}$", renamed, t, flags=re.MULTILINE) for t in texts]
    made = [("ConfigMap", each) for each in settings["configMapGenerator"]]
    made += [("Secret", each) for each in settings["secretGenerator"]]
    generated = [
        {
            "kind": kind,
            "metadata": {"name": each["name"], "namespace": each["namespace"]},
            "stringData": {k: v for file in each.get("envs", ()) for k, v in pairs(file).items()},
        }
        for kind, each in made
    ]
    return [found for text in texts for found in yaml.safe_load_all(text)] + generated


def from_kubectl(folder: Path) -> list[Object]:
    shutil.copytree(KUBERNETES, folder / "k")
    for example in KUBERNETES.glob("*.env.example"):
        shutil.copy(example, folder / "k" / example.name.removesuffix(".example"))
    command = ["kubectl", "kustomize", str(folder / "k")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [without_hashes(found) for found in yaml.safe_load_all(done.stdout)]


def without_hashes(found: Any, *more: str) -> Any:
    """Names of generated objects as they are written; `data` of Secrets and ConfigMaps in the clear."""
    if isinstance(found, list):
        return [without_hashes(each, *more) for each in found]
    if not isinstance(found, dict):
        return found
    names = [*more, *(each["name"] for kind in GENERATORS for each in kustomization()[kind])]
    done = {key: without_hashes(value, *more) for key, value in found.items()}
    plain = re.sub("-[a-z0-9]{10}$", "", str(done.get("name", "")))
    if plain in names:
        done["name"] = plain
    if done.get("kind") in ("Secret", "ConfigMap"):
        coded = done["kind"] == "Secret"
        data = done.get("data", {}).items()
        done["stringData"] = {k: b64decode(v).decode() if coded else v for k, v in data}
    return done


def pairs(file: str) -> dict[str, str]:
    """NAME=value, as in settings.env, and as in the examples of secret ones."""
    path = KUBERNETES / file
    lines = (path if path.exists() else KUBERNETES / f"{file}.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


GENERATORS = ("configMapGenerator", "secretGenerator")
RENDERED_BY = [from_files, *([from_kubectl] if shutil.which("kubectl") else [])]


@pytest.fixture(params=RENDERED_BY, scope="module")
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return request.param(tmp_path_factory.mktemp("kubernetes"))


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    return {found["metadata"]["name"]: found for found in objects if found["kind"] == kind}


def pods(objects: list[Object]) -> dict[str, Object]:
    """Deployment → its Pod's spec."""
    found = of_kind(objects, "Deployment")
    return {name: each["spec"]["template"]["spec"] for name, each in found.items()}


def commands() -> set[str]:
    return set(typer.main.get_command(cli.build()).commands)  # type: ignore[attr-defined]


# Kubernetes


def test_every_file_is_used() -> None:
    settings = kustomization()
    used = {*settings["resources"], *settings["configMapGenerator"][0]["files"]}
    secret = {file for each in settings["secretGenerator"] for file in each["envs"]}

    assert {path.name for path in KUBERNETES.glob("*.yaml")} == used | {"kustomization.yaml"}
    assert {f"{file}.example" for file in secret} == {
        path.name for path in KUBERNETES.glob("*.env.example")
    }
    assert secret == set((KUBERNETES / ".gitignore").read_text().split())


def test_one_deployment_for_each_process_of_this_version(objects: list[Object]) -> None:
    started = {
        name: [(container["image"], container["args"]) for container in pod["containers"]]
        for name, pod in pods(objects).items()
    }
    assert started == {name: [(IMAGE, [name])] for name in ("web", "worker", "watcher")}
    assert set(started) <= commands()


def test_every_pod_fits_the_restricted_standard(objects: list[Object]) -> None:
    for name, pod in pods(objects).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == image_user(), name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"], name
        assert {"name": "tmp", "emptyDir": {}} in pod["volumes"], name


def test_what_pods_refer_to_is_there(objects: list[Object]) -> None:
    text = yaml.safe_dump(list(pods(objects).values()))
    secrets = set(re.findall(r"secretKeyRef:\n +key: \w+\n +name: (\S+)", text))
    secrets |= set(re.findall(r"secretRef:\n +name: (\S+)", text))
    maps = set(re.findall(r"configMap(?:Ref)?:\n +name: (\S+)", text))
    accounts = {name: pod["serviceAccountName"] for name, pod in pods(objects).items()}

    assert secrets == set(of_kind(objects, "Secret"))
    assert maps == set(of_kind(objects, "ConfigMap"))
    assert accounts == {name: name for name in of_kind(objects, "ServiceAccount")}


def test_the_service_finds_web_and_the_budget_keeps_it(objects: list[Object]) -> None:
    web = of_kind(objects, "Deployment")["web"]["spec"]
    (port,) = web["template"]["spec"]["containers"][0]["ports"]
    (service,) = of_kind(objects, "Service").values()
    (budget,) = of_kind(objects, "PodDisruptionBudget").values()

    assert service["spec"]["selector"] == web["template"]["metadata"]["labels"]
    assert [each["targetPort"] for each in service["spec"]["ports"]] == [port["name"]]
    assert budget["spec"]["selector"] == web["selector"]
    assert str(port["containerPort"]) == default("PORT")


def test_the_probes_ask_what_web_answers(objects: list[Object], tmp_path: Path) -> None:
    (container,) = pods(objects)["web"]["containers"]
    settings = load(environment())
    app = create_app(settings.environment, Reloader(settings.environment.config, environment()))
    paths = {getattr(route, "path", "") for route in app.routes}

    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert paths >= {"/readyz", "/livez"}


def test_the_example_configuration_is_valid_and_its_namespace_is_set_up(
    objects: list[Object],
) -> None:
    read = load(environment()).configuration
    used = {target.namespace for target in read.targets.values()}

    assert {role["metadata"]["namespace"] for role in of_kind(objects, "Role").values()} == used
    assert used <= set(of_kind(objects, "Namespace"))


def environment() -> dict[str, str]:
    """The example's, with its empty secrets filled in."""
    given = pairs("settings.env") | pairs("secret.env") | pairs("api.env")
    values = {name: value or "a-secret-for-this-test" for name, value in given.items()}
    return {**values, "DISPATCHER_CONFIG": str(KUBERNETES / "git-dispatcher.yaml")}


def variables(objects: list[Object], process: str) -> dict[str, str]:
    """The environment of a process's container, as Kubernetes puts it together: the later wins, `env` last."""
    (container,) = pods(objects)[process]["containers"]
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        ((kind, named),) = source.items()
        of = {"secretRef": "Secret", "configMapRef": "ConfigMap"}[kind]
        found |= of_kind(objects, of)[named["name"]]["stringData"]
    for each in container.get("env", ()):
        secret = each.get("valueFrom", {}).get("secretKeyRef")
        found[each["name"]] = (
            of_kind(objects, "Secret")[secret["name"]]["stringData"][secret["key"]]
            if secret
            else each["value"]
        )
    return found


def test_all_processes_agree_about_queue_instance_and_redis(objects: list[Object]) -> None:
    everywhere = {"DISPATCHER_QUEUE", "DISPATCHER_INSTANCE", "REDIS_URL"}
    seen = [variables(objects, process) for process in PROCESSES]

    assert all(each.items() >= pairs("settings.env").items() for each in seen)
    assert [{name: each[name] for name in everywhere} for each in seen] == [
        {name: seen[0][name] for name in everywhere}
    ] * 3


def test_what_stands_in_the_wrong_file_makes_them_no_different(objects: list[Object]) -> None:
    """A queue's name among the secrets reaches web and watcher only: the settings come after it."""
    (secret,) = [
        each for each in objects if each["kind"] == "Secret" and "REDIS_URL" in each["stringData"]
    ]
    mistaken = [
        each
        if each is not secret
        else {**secret, "stringData": {**secret["stringData"], "DISPATCHER_QUEUE": "other"}}
        for each in objects
    ]

    assert {variables(mistaken, process)["DISPATCHER_QUEUE"] for process in PROCESSES} == {
        "deploys"
    }


def test_no_process_gets_secrets_that_it_does_not_need(objects: list[Object]) -> None:
    hooks = pairs("secret.env").keys() - {"REDIS_URL"}
    secrets = pairs("secret.env").keys() | pairs("api.env").keys()
    given = {process: variables(objects, process).keys() & secrets for process in PROCESSES}

    assert given == {
        "web": secrets,
        "worker": {"REDIS_URL"},
        "watcher": hooks | {"REDIS_URL"},
    }


@pytest.mark.parametrize("process", ["worker", "watcher"])
def test_one_that_hangs_is_ended(process: str, objects: list[Object], tmp_path: Path) -> None:
    (container,) = pods(objects)[process]["containers"]
    beats = variables(objects, process)["DISPATCHER_HEARTBEAT_FILE"]
    file = tmp_path / "heartbeat"
    shell, option, asks = container["livenessProbe"]["exec"]["command"]

    def lives() -> bool:
        ran = subprocess.run([shell, option, asks.replace(beats, str(file))], capture_output=True)
        return ran.returncode == 0

    assert not lives()
    HeartbeatFile(str(file)).beat()
    assert lives()
    long_ago = time.time() - 3 * LONGEST_TASK - 5
    os.utime(file, (long_ago, long_ago))
    assert not lives()


def default(variable: str) -> str:
    return next(each.default for each in VARIABLES if each.name == variable)


# Rights: every call is made to a server that notes what was asked of it

ARGUMENTS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "create_job": (({"metadata": {"name": "shop-1", "namespace": "deploys"}},),),
    "job": (("deploys", "shop-1"),),
    "delete_job": (("deploys", "shop-1", "uid"),),
    "jobs": (("deploys", "a=b"),),
    "delete_pod": (("deploys", "shop-1-x", "uid"),),
    "pods": (("deploys", "a=b"),),
    "page_of_pods": (("deploys", "a=b"),),
    "events": (("deploys", "uid"),),
    "log_tail": (("deploys", "shop-1-x", "main"),),
    "list_jobs": (("deploys", "a=b"),),
    "list_pods": (("deploys", "a=b"),),
    "log": (("deploys", "p", "c", ""),),
    "watch": (("job", "deploys", "a=b", "1", 1), ("pod", "deploys", "a=b", "1", 1)),
}
RIGHTS_OF: dict[str, tuple[type, ...]] = {
    "worker": (ClusterClient,),
    "watcher": (WatcherCluster, LogSource),
}


@contextmanager
def noting_server(folder: Path) -> Iterator[tuple[Path, set[tuple[str, str, str]]]]:
    """A kubeconfig, and the rights that the requests to its server would have needed."""
    rights: set[tuple[str, str, str]] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            rights.add(right(self.command, self.path))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_DELETE = do_PUT = do_PATCH = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kubeconfig(folder / "kubeconfig", server.server_port), rights
        finally:
            server.shutdown()
            thread.join()


def kubeconfig(path: Path, port: int) -> Path:
    named = {"name": "here"}
    written = {
        "clusters": [{**named, "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "here", "user": "here"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(written))
    return path


def right(method: str, url: str) -> tuple[str, str, str]:
    """Group, resource and verb, as the API server has it.

    https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
    """
    parts = urlsplit(url)
    match = re.fullmatch(
        r"/apis?(?:/(\w+))?/v1/namespaces/deploys/(\w+)(/[^/]+)?(/\w+)?", parts.path
    )
    assert match, url
    group, resource, name, below = match.groups(default="")
    if method == "GET":
        watches = "watch" in parse_qs(parts.query)
        verb = "get" if name else "watch" if watches else "list"
    else:
        verb = {"POST": "create", "DELETE": "delete", "PUT": "update", "PATCH": "patch"}[method]
    return group, resource + below, verb


@pytest.mark.parametrize("process", RIGHTS_OF)
def test_a_process_may_do_what_it_does_and_no_more(
    process: str, objects: list[Object], tmp_path: Path
) -> None:
    names = [each for kind in RIGHTS_OF[process] for each in dir(kind) if not each.startswith("_")]

    with noting_server(tmp_path) as (config, needed):
        cluster = Cluster(Access(str(config)))
        for name in names:
            for arguments in ARGUMENTS[name]:
                with suppress(ClusterError):  # "{}" is no sensible answer
                    getattr(cluster, name)(*arguments)

    assert granted(objects, process) == needed


def granted(objects: list[Object], account: str) -> set[tuple[str, str, str]]:
    assert not of_kind(objects, "ClusterRole")
    roles = of_kind(objects, "Role")
    bound = [
        roles[binding["roleRef"]["name"]]
        for binding in of_kind(objects, "RoleBinding").values()
        for subject in binding["subjects"]
        if subject["name"] == account
    ]
    return {
        (group, resource, verb)
        for role in bound
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_only_who_has_rights_gets_a_token(objects: list[Object]) -> None:
    for name, pod in pods(objects).items():
        assert pod["automountServiceAccountToken"] is bool(granted(objects, name))


# The image


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text()


def image_user() -> int:
    found = re.search(r"^USER (\d+):\d+$", dockerfile(), re.MULTILINE)
    assert found
    return int(found[1])


def test_the_image_runs_the_command_as_nobody_in_particular() -> None:
    assert 'ENTRYPOINT ["git-dispatcher"]' in dockerfile()
    assert image_user() > 0
    assert f"git-dispatcher:{__version__}" in dockerfile()


def test_the_image_is_without_the_local_parts() -> None:
    """tests/test_walls.py shows that everything else does without them."""
    assert "RUN rm -rf dispatcher/local" in dockerfile()
    ignored = (DEPLOY.parent / ".dockerignore").read_text().splitlines()
    assert "dispatcher/local" in ignored


# On kind or k3d: docs/quickstart-kind.md

KIND = DEPLOY / "kind"
QUICKSTART = (DEPLOY.parent / "docs" / "quickstart-kind.md").read_text()


def secret_files() -> dict[str, str]:
    """What the quick start writes: file → content, with its shell variables filled in."""
    written = dict(re.findall(r"^echo \"(.+)\" > (deploy/\S+)$", QUICKSTART, re.MULTILINE))
    files = {file: f"{line}\n" for line, file in written.items()}
    file, lines = re.findall(
        r"^cat > (deploy/\S+) <<END\n(.*?)^END$", QUICKSTART, re.DOTALL | re.MULTILINE
    )[0]
    return {
        name: re.sub(r"\$\w+", "a-secret", text) for name, text in {**files, file: lines}.items()
    }


@pytest.fixture(scope="module")
def on_kind(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """What kubectl makes of deploy/kind after the quick start's second step."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl renders these")
    folder = tmp_path_factory.mktemp("kind")
    shutil.copytree(DEPLOY, folder / "deploy")
    for name, text in secret_files().items():
        (folder / name).write_text(text)
    command = ["kubectl", "kustomize", str(folder / "deploy" / "kind")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [without_hashes(found, "valkey") for found in yaml.safe_load_all(done.stdout)]


def test_the_quick_start_writes_each_secret_that_is_asked_for() -> None:
    overlay = yaml.safe_load((KIND / "kustomization.yaml").read_text())
    asked = {f"deploy/kind/{file}" for each in overlay["secretGenerator"] for file in each["envs"]}
    asked |= {
        f"deploy/kubernetes/{f}"
        for each in kustomization()["secretGenerator"]
        for f in each["envs"]
    }

    assert set(secret_files()) == asked
    for name, text in secret_files().items():
        example = (DEPLOY.parent / f"{name}.example").read_text()
        assert re.findall(r"^(\w+)=", text, re.MULTILINE) == re.findall(
            r"^(\w+)=", example, re.MULTILINE
        )
    assert {f"deploy/kind/{name}" for name in (KIND / ".gitignore").read_text().split()} <= asked


def test_on_kind_valkey_keeps_what_was_acknowledged_and_evicts_nothing() -> None:
    (stateful, _) = yaml.safe_load_all((KIND / "valkey.yaml").read_text())
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    flags = dict(zip(container["args"][::2], container["args"][1::2], strict=True))

    assert flags["--appendonly"] == "yes"
    assert flags["--appendfsync"] == "always"
    assert flags["--maxmemory-policy"] == "noeviction"
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert flags["--dir"] == mounts["data"]


def test_on_kind_redis_url_names_the_service_and_the_password(on_kind: list[Object]) -> None:
    (url,) = re.findall(r"^REDIS_URL=(.+)$", QUICKSTART, re.MULTILINE)
    service = of_kind(on_kind, "Service")["valkey"]
    parts = urlsplit(url.replace("$valkey", "secret"))

    assert (parts.hostname, parts.port) == ("valkey", service["spec"]["ports"][0]["port"])
    assert service["metadata"]["namespace"] == "git-dispatcher"
    assert "VALKEY_PASSWORD=$valkey" in QUICKSTART


def test_on_kind_every_pod_fits_the_restricted_standard(on_kind: list[Object]) -> None:
    stateful = of_kind(on_kind, "StatefulSet")["valkey"]
    everything = {**pods(on_kind), "valkey": stateful["spec"]["template"]["spec"]}

    assert set(everything) == {*PROCESSES, "valkey"}
    for name, pod in everything.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name


def test_on_kind_the_image_is_the_one_that_was_built_and_loaded(on_kind: list[Object]) -> None:
    images = {
        container["image"] for pod in pods(on_kind).values() for container in pod["containers"]
    }

    assert images == {f"git-dispatcher:{__version__}"}
    for command in (
        "docker build -f deploy/Dockerfile -t",
        "kind load docker-image",
        "k3d image import",
    ):
        assert f"{command} git-dispatcher:{__version__}" in QUICKSTART


def test_on_kind_the_configuration_is_valid_and_the_processes_read_it(
    on_kind: list[Object],
) -> None:
    environ = environment() | {"DISPATCHER_CONFIG": str(KIND / "git-dispatcher.yaml")}
    read = load(environ).configuration
    (data,) = of_kind(on_kind, "ConfigMap")["git-dispatcher"]["stringData"].values()

    assert {target.namespace for target in read.targets.values()} <= set(
        of_kind(on_kind, "Namespace")
    )
    assert data == (KIND / "git-dispatcher.yaml").read_text()
