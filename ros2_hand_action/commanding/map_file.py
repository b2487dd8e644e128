"""Reads a command map from YAML; docs/commander.md describes the format.

Whatever does not fit is refused with file, line and reason.
"""

from pathlib import Path

from ros2_hand_action.commanding.command_map import (
    Binding,
    Command,
    CommandMap,
    Condition,
    ControlOptions,
    Move,
    Policy,
    Reaction,
    SafetyOptions,
    VelocityOptions,
    Zone,
)
from ros2_hand_action.commanding.one_time_file import read_one_time
from ros2_hand_action.commanding.velocity import STANDSTILL, Velocity
from ros2_hand_action.commanding.yaml_sections import Section, read_sections
from ros2_hand_action.perception.labels import NONE, OTHER
from ros2_hand_action.perception.records import Handedness, Phase

_SECOND_NS = 1_000_000_000
_AXES = ('x', 'y', 'z')
_LARGEST = 100.0
_COMMANDS = ('velocity', 'publish', 'call')
_HANDS = {hand.name.lower(): hand for hand in (Handedness.LEFT, Handedness.RIGHT)}
_PHASES = {phase.name.lower(): phase for phase in Phase}


def load_command_map(path: Path) -> CommandMap:
    """Return the map in a file.

    Raises
    ------
    ConfigError
        If anything in it does not fit; says file, line and reason.
    """
    whole = read_sections(path, 'the command map')
    safety = _read_safety(whole.section('safety'))
    velocity = _read_velocity_options(whole.section('velocity'))
    control = _read_control(whole.section('control'), safety)
    entries = whole.sections('commands', 'command')
    whole.finish()
    commands = [_read_command(entry, velocity, safety) for entry in entries]
    _refuse_repeated(entries, commands)
    _refuse_claim_that_moves(entries, commands, control)
    return CommandMap(
        bindings=tuple(each for each in commands if isinstance(each, Binding)),
        control=control,
        velocity=velocity,
        safety=safety,
        reactions=tuple(each for each in commands if isinstance(each, Reaction)),
    )


def _read_safety(section: Section) -> SafetyOptions:
    defaults = SafetyOptions()
    options = SafetyOptions(
        stop_gestures=section.texts('stop_gestures', defaults.stop_gestures),
        timeout_ns=_seconds(section, 'timeout_s', 0.02, 1.0, defaults.timeout_ns),
        release_ns=_seconds(section, 'release_s', 0.0, 1.0, defaults.release_ns),
        future_ns=_seconds(section, 'future_s', 0.0, 1.0, defaults.future_ns),
        jump_ns=_seconds(section, 'jump_s', 0.02, 1.0, defaults.jump_ns),
        least_probability=section.number(
            'least_probability', 0.0, 1.0, defaults.least_probability
        ),
        emergency_timeout_ns=_seconds(section, 'emergency_stop_timeout_s', 0.0, 60.0, 0),
        stop_actions=section.texts('stop_actions', defaults.stop_actions),
        action_age_ns=_seconds(section, 'action_age_s', 0.1, 60.0, defaults.action_age_ns),
    )
    if OTHER in options.stop_actions:
        raise section.error(f'action {OTHER!r} means no action and has no events', 'stop_actions')
    section.finish()
    return options


def _read_velocity_options(section: Section) -> VelocityOptions:
    defaults = VelocityOptions()
    acceleration = _read_velocity(section.section('acceleration'))
    options = VelocityOptions(
        topic=section.ros_name('topic', defaults.topic),
        is_stamped=section.choice('type', ('twist', 'twist_stamped'), 'twist') != 'twist',
        frame_id=section.text('frame_id', defaults.frame_id),
        limits=_read_velocity(section.section('limits')),
        acceleration=acceleration,
        deceleration=(
            _read_velocity(section.section('deceleration'))
            if 'deceleration' in section else acceleration
        ),
        zero_ns=_seconds(section, 'zero_s', 0.2, 60.0, defaults.zero_ns),
        keeps_zero=section.flag('keep_zero', defaults.keeps_zero),
    )
    section.finish()
    for name in ('limits', 'acceleration', 'deceleration'):
        if any(value < 0 for value in getattr(options, name)):
            raise section.error(f'{name} must not be negative', name)
    for axis, most, up, down in zip(
        Velocity._fields, options.limits, options.acceleration, options.deceleration
    ):
        if most and not (up and down):
            raise section.error(
                f'{axis} has a limit but no acceleration or deceleration: it could not '
                'change', 'acceleration',
            )
    return options


def _read_control(section: Section, safety: SafetyOptions) -> ControlOptions:
    policy = Policy(section.choice('policy', (p.value for p in Policy), Policy.CLAIM.value))
    claim = release = None
    if policy is Policy.CLAIM:
        claim = _read_condition(section.section('claim'), safety, stop_ok=False)
        if 'release' in section:
            release = _read_condition(section.section('release'), safety, stop_ok=False)
            if release.gesture == claim.gesture:
                raise section.error('claim and release are the same gesture', 'release')
    options = ControlOptions(
        policy, claim, release, _seconds(section, 'lost_s', 0.1, 60.0, ControlOptions().lost_ns)
    )
    section.finish()
    return options


def _read_command(
    section: Section, options: VelocityOptions, safety: SafetyOptions
) -> Binding | Reaction:
    name = section.text('name')
    given = [kind for kind in _COMMANDS if kind in section]
    if len(given) != 1:
        raise section.error(f'command {name!r} needs exactly one of {", ".join(_COMMANDS)}')
    moves, when = given == ['velocity'], section.required_section('when')
    if 'action' not in when:
        return _read_binding(section, name, when, options, safety)
    if moves:
        raise section.error(
            f'command {name!r} would let an action move the robot: actions are seen late, and '
            'need no hand that is held up; they may publish, call, and stop '
            '(safety.stop_actions)', 'velocity',
        )
    return _read_reaction(section, name, when)


def _read_binding(
    section: Section, name: str, when: Section, options: VelocityOptions, safety: SafetyOptions
) -> Binding:
    moves = 'velocity' in section
    condition = _read_condition(
        when, safety, stop_ok=not moves, phase='held' if moves else 'started'
    )
    if moves and condition.phase is not Phase.HELD:
        raise section.error(
            f'command {name!r} has a velocity, which lasts only while the gesture is held: '
            'leave phase out', 'when',
        )
    command: Command
    if moves:
        command = Move(_read_bounded(section.section('velocity'), options.limits))
    else:
        command = read_one_time(section, Binding.FIELDS)
    section.finish()
    return Binding(name, section.where, condition, command)


def _read_reaction(section: Section, name: str, when: Section) -> Reaction:
    if 'gesture' in when:
        raise when.error('when names a gesture and an action: choose one', 'action')
    reaction = Reaction(
        name=name,
        where=section.where,
        action=when.text('action'),
        phase=_PHASES[when.choice('phase', _PHASES, 'started')],
        hold_ns=_seconds(when, 'hold_s', 0.0, 60.0, 0),
        command=read_one_time(section, Reaction.FIELDS),
    )
    if reaction.action == OTHER:
        raise when.error(f'action {OTHER!r} means no action and has no events', 'action')
    when.finish()
    section.finish()
    return reaction


def _read_condition(
    section: Section, safety: SafetyOptions, *, stop_ok: bool, phase: str = ''
) -> Condition:
    """Return when a gesture counts; without a `phase` as default the file may not name one."""
    if 'action' in section:
        raise section.error('control is taken and given back by gestures, not actions', 'action')
    gesture = section.text('gesture')
    if gesture == NONE:
        raise section.error(f'gesture {NONE!r} means no gesture and has no events', 'gesture')
    if gesture in safety.stop_gestures and not stop_ok:
        raise section.error(f'gesture {gesture!r} stops the robot and nothing else', 'gesture')
    hand = section.choice('hand', (*_HANDS, 'any'), 'any')
    zone = section.choice('zone', (*(z.value for z in Zone), 'any'), 'any')
    condition = Condition(
        gesture=gesture,
        phase=_PHASES[section.choice('phase', _PHASES, phase)] if phase else Phase.STARTED,
        handedness=_HANDS.get(hand),
        hold_ns=_seconds(section, 'hold_s', 0.0, 60.0, 0),
        zone=None if zone == 'any' else Zone(zone),
        raised=section.flag('raised') if 'raised' in section else None,
    )
    section.finish()
    return condition


def _read_velocity(section: Section) -> Velocity:
    values = []
    for name in ('linear', 'angular'):
        part = section.section(name)
        values += [part.number(axis, -_LARGEST, _LARGEST, 0.0) for axis in _AXES]
        part.finish()
    section.finish()
    return Velocity(*values)


def _read_bounded(section: Section, limits: Velocity) -> Velocity:
    velocity = _read_velocity(section)
    for axis, value, most in zip(Velocity._fields, velocity, limits):
        if abs(value) > most:
            raise section.error(
                f'{axis} is {value:g}, above its limit of {most:g}: see velocity.limits'
            )
    if velocity == STANDSTILL:
        raise section.error('the velocity is zero: a gesture that moves nothing is not needed')
    return velocity


def _seconds(section: Section, key: str, low: float, high: float, default_ns: int) -> int:
    return round(section.number(key, low, high, default_ns / _SECOND_NS) * _SECOND_NS)


def _refuse_repeated(sections: list[Section], commands: list[Binding | Reaction]) -> None:
    """Refuse names that occur twice, and motions that can never win."""
    names: dict[str, str] = {}
    motions: dict[Condition, str] = {}
    for section, binding in zip(sections, commands):
        if binding.name in names:
            raise section.error(f'name {binding.name!r} is that of {names[binding.name]}, too')
        names[binding.name] = binding.where
        if isinstance(binding, Binding) and isinstance(binding.command, Move):
            if binding.condition in motions:
                raise section.error(
                    f'command {binding.name!r} has the very condition of '
                    f'{motions[binding.condition]}, which comes first'
                )
            motions[binding.condition] = binding.where


def _refuse_claim_that_moves(
    sections: list[Section], commands: list[Binding | Reaction], control: ControlOptions
) -> None:
    """Refuse a motion that begins in the moment in which control is taken."""
    claim = control.claim.gesture if control.claim else None
    for section, each in zip(sections, commands):
        if not isinstance(each, Binding) or not isinstance(each.command, Move):
            continue
        if each.condition.gesture == claim:
            raise section.error(
                f'gesture {claim!r} claims control: command {each.name!r} would move the robot '
                'at once; choose another gesture', 'when',
            )
