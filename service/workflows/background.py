"""What may be done in the background: each kind of job, how it is asked for, what does it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Engine

from matcher.assignment import Limits
from matcher.group_size import Size
from matcher.statements import Kind
from service.catchup import catch_up
from service.database import SCOPE, now, read, write
from service.errors import Forbidden, Refused
from service.failpoints import failpoint
from service.jobs import Fruitless, Task, Work
from service.resources import Resources
from service.settings import Settings
from service.store.jobs import (
    UPLOAD,
    NewJob,
    State,
    add_job,
    cancel_job,
    get_job,
    retry_job,
    uploads_in_use,
)
from service.store.revisions import Mark, current_mark
from service.store.scope import WHOLE, scope_of
from service.store.sociopoles import get_sociopole
from service.store.vectors import count_without_sentences, lacks_vectors
from service.uploads import keep_upload, sweep
from service.workflows.alerts import look_again, send_digests
from service.workflows.group import GroupPlan, group
from service.workflows.purge import purge
from service.workflows.sentences import embed_sentences
from service.workflows.signing import LONGEST_NAME, check_author
from service.workflows.suggest import Plan, parse_kinds, suggest
from service.workflows.take_in import ImportPlan, take_in

EACH_NIGHT: Mapping[str, Mapping[str, Any]] = {"alerts": {}, "purge": {"dry_run": False}}
"""What is asked for once a day, and how."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a job; the same `key` asked for twice is one job."""

    by: str
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse what no column holds."""
        check_author(self.by)
        if len(self.key) > LONGEST_NAME:
            raise Refused(f"Une clé compte au plus {LONGEST_NAME} caractères.")


def submit_import(resources: Resources, plan: ImportPlan, content: BinaryIO, asked: Asked) -> int:
    """Keep a file and have it imported; returns the job's number. Of `plan.path`, only the name.

    Raises Refused, NotFound; once it returns, neither the file nor the job can be lost.
    """
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, plan.sociopole)
    file_name = plan.file_name or plan.path.name
    folder = resources.settings.upload_folder
    with keep_upload(folder, content, file_name) as upload:
        arguments = {
            UPLOAD: upload,
            "file_name": file_name,
            "sociopole": plan.sociopole,
            "kind": str(plan.kind),
            "mapping": dict(plan.mapping),
            "dry_run": plan.dry_run,
            "skip_errors": plan.skip_errors,
        }
        failpoint("job-upload-kept")
        number = _submit(resources, "import", arguments, sociopole.id, asked)
    with read(resources.engine) as session:
        if get_job(session, number).arguments[UPLOAD] != upload:
            # The key was known: the file came with the first request.
            (folder / upload).unlink(missing_ok=True)
    return number


def submit_suggestions(resources: Resources, slug: str, plan: Plan, asked: Asked) -> int:
    """Have pairings proposed; returns the job's number. Raises NotFound, Refused."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
    arguments = {
        "sociopole": slug,
        "proposals": plan.limits.proposals,
        "max_load": plan.limits.max_load,
        "kinds": ",".join(f"{left}-{right}" for left, right in plan.kinds),
    }
    return _submit(resources, "suggest", arguments, sociopole.id, asked)


def submit_grouping(resources: Resources, plan: GroupPlan, asked: Asked) -> int:
    """Have groups made; returns the job's number. Raises NotFound, Refused."""
    with read(resources.engine) as session:
        home, *others = [get_sociopole(session, slug) for slug in (plan.sociopole, *plan.also)]
        read_whole = scope_of(session).full
        for other in others:
            # A worker reads everything: what is asked for must be the asker's to read whole.
            if read_whole is not None and other.id not in read_whole:
                raise Forbidden(
                    f"Vous ne lisez de « {other.slug} » que ce qui est publié : groupez sans lui, "
                    "ou demandez un rôle à l'administration."
                )
    return _submit(resources, "group", plan.as_settings(), home.id, asked)


def submit_embedding(resources: Resources, asked: Asked) -> int | None:
    """Have every contribution embedded by this model; None where nothing lacks."""
    resources = resources.unscoped()
    fingerprint = resources.encoder.fingerprint
    with read(resources.engine) as session:
        lacks = count_without_sentences(session, fingerprint)
        if not (lacks or lacks_vectors(session, fingerprint)):
            return None
        mark = current_mark(session)
    key = asked.key or f"embed-{fingerprint[:32]}-{mark.epoch[:16]}-{mark.revision}"
    arguments = {"fingerprint": fingerprint}
    return _submit(resources, "embed", arguments, None, Asked(asked.by, key))


def submit_purge(resources: Resources, asked: Asked, *, dry_run: bool = False) -> int:
    """Have removed what was kept as long as promised; returns the job's number."""
    return _submit(resources.unscoped(), "purge", {"dry_run": dry_run}, None, asked)


def submit_nightly(engine: Engine, day: dt.date) -> list[int]:
    """Have done what each day wants, once however many ask; returns the jobs' numbers."""
    whole = engine.execution_options(**{SCOPE: WHOLE})
    with write(whole) as session:
        return [
            add_job(session, NewJob(kind, how, by="chaque nuit", key=f"{kind}-{day}"), now())
            for kind, how in EACH_NIGHT.items()
        ]


def cancel(resources: Resources, number: int) -> State:
    """Cancel a job, or ask its worker to leave it. Raises NotFound, or Refused for one that ended.

    What it had already committed stays: it is then done.
    """
    with write(resources.engine) as session:
        state = cancel_job(session, number, now())
    tidy_uploads(resources.settings, resources.engine)
    return state


def retry(resources: Resources, number: int) -> None:
    """Have a job that failed or was cancelled done anew. Raises NotFound, Refused."""
    with write(resources.engine) as session:
        job = get_job(session, number)
        upload = job.arguments.get(UPLOAD)
        gone = upload is not None and not (resources.settings.upload_folder / upload).exists()
        retry_job(session, number)
        if gone and not job.kept:
            raise Refused(
                f"Le fichier de la tâche {number} n'est plus gardé, puisqu'elle est finie : "
                "importez-le de nouveau."
            )


def tidy_uploads(settings: Settings, engine: Engine) -> None:
    """Remove the files of jobs that are over, or were never asked for."""
    # Whoever asks, the files of every sociopôle's jobs are needed.
    whole = engine.execution_options(**{SCOPE: WHOLE})

    def needed() -> set[str]:
        with read(whole) as session:
            return uploads_in_use(session)

    sweep(settings.upload_folder, needed)


def _submit(
    resources: Resources,
    kind: str,
    arguments: Mapping[str, Any],
    sociopole_id: int | None,
    asked: Asked,
) -> int:
    wanted = NewJob(kind, arguments, sociopole_id, by=asked.by, key=asked.key)
    with write(resources.engine) as session:
        return add_job(session, wanted, now())


def _import(resources: Resources, arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    if task.kept is not None:
        # The rows are in; what the kill left undone is derived from them.
        _embed_all(resources, task)
        return task.kept
    plan = ImportPlan(
        path=resources.settings.upload_folder / arguments[UPLOAD],
        sociopole=arguments["sociopole"],
        kind=arguments["kind"],
        mapping=arguments["mapping"],
        dry_run=arguments["dry_run"],
        skip_errors=arguments["skip_errors"],
        file_name=arguments["file_name"],
    )
    try:
        report = take_in(resources, plan, task.progress, keep=task.keep)
    except Refused as refusal:
        # People know their file by its own name.
        said = str(refusal).replace(arguments[UPLOAD], arguments["file_name"])
        raise Refused(said) from refusal
    if not report.done:
        raise Fruitless(
            f"{len(report.errors)} erreurs : rien n'a été enregistré. Corrigez le fichier, ou "
            "laissez de côté les lignes en erreur (--skip-errors).",
            report.as_json(),
        )
    _embed_all(resources, task)
    return report.as_json()


def _suggest(resources: Resources, arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    if task.kept is not None:
        return task.kept
    limits = Limits(arguments["proposals"], arguments["max_load"])
    plan = Plan(limits, parse_kinds(arguments["kinds"]))
    run = suggest(resources, arguments["sociopole"], plan, task.progress, keep=task.keep)
    return {"run": run}


def _group(resources: Resources, arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    if task.kept is not None:
        return task.kept
    home, *also = arguments["sociopoles"]
    size = arguments["size"]
    plan = GroupPlan(
        home,
        tuple(also),
        tuple(Kind(kind) for kind in arguments["kinds"]),
        Size(size) if isinstance(size, str) else size,
    )
    number = group(resources, plan, by=task.job.by, progress=task.progress, keep=task.keep)
    return {"grouping": number}


def _embed(resources: Resources, arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    """Each batch of vectors is committed by itself, and none is made twice."""
    if arguments["fingerprint"] != resources.encoder.fingerprint:
        raise Refused(
            "L'exécutant emploie un autre modèle que celui qui était demandé : "
            "redémarrez-le avec le même SOCIOPOLES_MODEL."
        )
    mark = _embed_all(resources, task)
    return {"revision": mark.revision}


def _embed_all(resources: Resources, task: Task) -> Mark:
    mark = catch_up(resources, task.progress)
    embed_sentences(resources, task.progress)
    return mark


def _purge(resources: Resources, arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    """Done again after a kill it removes nothing more: what went is gone."""
    task.progress("Durées de conservation", 0, 1)
    done = purge(resources, dry_run=arguments["dry_run"])
    task.progress("Durées de conservation", 1, 1)
    return done


def _alerts(resources: Resources, _arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    """Done again after a kill it tells what is left to tell: each mail that left is noted."""
    found = look_again(resources, task.progress)
    return {"new": found, "mails": len(send_digests(resources, progress=task.progress))}


WORKS: Mapping[str, Work] = {
    "import": Work("import", _import),
    "suggest": Work("rapprochements", _suggest),
    "group": Work("regroupement", _group),
    "embed": Work("vecteurs", _embed),
    "purge": Work("purge", _purge),
    "alerts": Work("alertes", _alerts),
}
