from .HistoryEvent import HistoryEvent as HistoryEvent
