"""Model families: what each is built from."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from simagents.config.keys import Settings, Tagged

Share = Annotated[float, Field(ge=0, lt=1)]


def _a_table_or_none(rows: int) -> int:
    if rows == 1:
        raise ValueError("1 row leaves nothing to interpolate between; give 0 or at least 2")
    return rows


class ModelSettings(Settings):
    """Of any family."""

    reads_tokens: ClassVar[bool] = False
    """whether the family reads tokenised scenes and acts by a motion vocabulary"""
    addable: ClassVar[frozenset[str]] = frozenset()
    """keys that a stage with `from` may set where its parent does not: their weights start at zero, so
    that the model begins as its parent's"""

    @property
    def reads_goals(self) -> bool:
        """Whether the policy sees the goals of a scene."""
        return False


class Smart(ModelSettings):
    """SMART (Wu et al. 2024, arXiv:2405.15677), sized as in CAT-K; config/model/7m.yaml has the
    published model."""

    reads_tokens: ClassVar[bool] = True
    addable: ClassVar[frozenset[str]] = frozenset({"goals"})

    family: Literal["smart"]
    """next-token prediction"""
    width: Annotated[int, Field(ge=8)]
    """hidden size"""
    heads: Annotated[int, Field(ge=1)]
    """attention heads"""
    head_width: Annotated[int, Field(ge=1)]
    """channels of a head"""
    bands: Annotated[int, Field(ge=1)]
    """frequencies of the Fourier embeddings"""
    frequency_deviation: Annotated[float, Field(gt=0)]
    """standard deviation of the initial frequencies, in cycles a metre or radian. The published 0.02 needs
    long training before metres and angles are told apart finely"""
    map_layers: Annotated[int, Field(ge=0)]
    """map-to-map attention layers"""
    agent_layers: Annotated[int, Field(ge=1)]
    """blocks of temporal, map and agent attention"""
    dropout: Share
    """dropout in attention and feed-forward layers"""
    history_drop: Share
    """probability that training removes a node from the temporal graph"""
    map_radius: Annotated[float, Field(gt=0)]
    """metres between map pieces that attend to one another"""
    map_neighbours: Annotated[int, Field(ge=1)]
    """largest number of map pieces to which a map piece attends"""
    map_to_agent_radius: Annotated[float, Field(gt=0)]
    """metres within which agents attend to the map"""
    agent_radius: Annotated[float, Field(gt=0)]
    """metres between agents that attend to one another"""
    past_steps: Annotated[int, Field(ge=1)]
    """past tokens to which an agent attends"""
    late_motion: Literal["none", "world_position"]
    """motion of an agent's first token where the log does not show the token before: `none`, or its
    whole position in the world frame, as CAT-K's code computes it and its weights have learned it"""
    relation_rows: Annotated[int, Field(ge=0), AfterValidator(_a_table_or_none)]
    """rows of the tables from which embeddings of relations are interpolated; 0 for exact embeddings"""
    head: Literal["shared", "per_class"]
    """one head for the tokens of all classes, or one for each class"""
    goals: Annotated[
        Literal["none", "concatenation", "indication"],
        Field(exclude_if=lambda goals: goals == "none"),
    ] = "none"
    """how the model sees goals: not at all; by their coordinates in the agent's frame; by a mark on the
    map tokens of the goal's lane. A stage with `from` may add it to its parent's model"""

    @property
    def reads_goals(self) -> bool:
        return self.goals != "none"

    @property
    def attention(self) -> dict[str, Any]:
        """Of every attention layer."""
        return {
            "width": self.width,
            "heads": self.heads,
            "head_width": self.head_width,
            "dropout": self.dropout,
        }


class OfPieces(ModelSettings):
    """What families share that read the map as pieces of polylines."""

    width: Annotated[int, Field(ge=8)]
    """hidden size, a multiple of `heads`"""
    heads: Annotated[int, Field(ge=1)]
    """attention heads"""
    bands: Annotated[int, Field(ge=1)]
    """wavelengths of the encoding of places: 4 m, 8 m and so on"""
    piece_metres: Annotated[float, Field(gt=0)]
    """largest length of the pieces into which polylines are cut"""
    piece_nodes: Annotated[int, Field(ge=2)]
    """nodes of a piece, ends included"""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "OfPieces":
        if self.width % self.heads:
            raise ValueError("`width` must be a multiple of `heads`")
        return self


class Nearby(OfPieces):
    """What families share that see a scene from where each agent is: the nearest pieces of map and the
    nearest agents."""

    map_layers: Annotated[int, Field(ge=0)]
    """attention layers among pieces of map"""
    map_neighbours: Annotated[int, Field(ge=1)]
    """number of nearest pieces to which a piece attends"""
    agent_layers: Annotated[int, Field(ge=1)]
    """attention layers of agents, to pieces of map and to agents together"""
    nearest_pieces: Annotated[int, Field(ge=1)]
    """number of nearest pieces of map to which an agent attends"""
    nearest_agents: Annotated[int, Field(ge=1)]
    """number of nearest agents to which an agent attends"""


class TrafficBots(Nearby):
    """TrafficBots V1.5 (Zhang et al. 2024, arXiv:2406.10898); config/model/7m.yaml has the published
    sizes."""

    family: Literal["traffic_bots"]
    """accelerations and yaw rates at 10 Hz, under a personality and a destination"""
    look_every: Annotated[int, Field(ge=1)]
    """steps of 0.1 s from one look at map and agents to the next; in between an agent knows its own way"""
    latent_width: Annotated[int, Field(ge=1)]
    """numbers of a personality"""
    destination_radius: Annotated[float, Field(gt=0)]
    """metres within which a piece of map may be an agent's destination"""
    least_deviation: Annotated[float, Field(gt=0, lt=0.05)]
    """lower limit of the controls' standard deviations, in shares of the controls' limits"""


class Forecasts(Nearby):
    """One-shot marginal forecasts of every agent, made anew after each action: the kind of model that Peng et al.
    2024 (arXiv:2409.18343, Table 1) compare with, Wayformer (Nayakanti et al. 2023, arXiv:2207.05844) and MVTE
    (Wang et al. 2023, arXiv:2306.15914)."""

    family: Literal["forecasts"]
    """a few possible trajectories of each agent, without regard to what the others will do"""
    modes: Annotated[int, Field(ge=1)]
    """trajectories that one member forecasts for an agent"""
    members: Annotated[int, Field(ge=1)]
    """networks with weights of their own, whose modes are pooled"""
    executed: Literal["likeliest", "drawn"]
    """which mode an agent follows until the next forecast: always the likeliest one, so that all rollouts are
    alike, or one drawn by the modes' shares"""


class MotionLM(OfPieces):
    """MotionLM (Seff et al. 2023, arXiv:2309.16534) for whole scenes, as Peng et al. 2024 (arXiv:2409.18343)
    fine-tune it; config/model/7m.yaml has their smaller model."""

    family: Literal["motionlm"]
    """accelerations on a grid at 2 Hz, decoded from one encoding of the scene"""
    feed_forward: Annotated[int, Field(ge=8)]
    """hidden size of feed-forward layers"""
    encoder_layers: Annotated[int, Field(ge=1)]
    """attention layers among agents' histories and pieces of map"""
    decoder_layers: Annotated[int, Field(ge=1)]
    """layers of attention to all agents' earlier actions and to the encoded scene"""
    pieces: Annotated[int, Field(ge=1)]
    """largest number of pieces of a scene that are encoded, those nearest to any agent"""
    geometry: Literal["learned", "given"]
    """`learned`, as published: the decoder reads drawn actions alone, and attention learns by itself what is near.
    `given`, for short trainings: the decoder also reads where actions led and how fast, and attention to the
    scene weighs what is near the more"""


MODELS = Tagged("family", "simagents.models", Smart, TrafficBots, MotionLM, Forecasts)
Model = Annotated[ModelSettings, MODELS]
